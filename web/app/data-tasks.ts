import { keepPreviousData, useInfiniteQuery, useMutation, useQuery } from "@tanstack/react-query";
import {
  cancelTask,
  createTask,
  listHomeScripts,
  listScriptsOfSite,
  listTasks,
  readTask,
  readTaskCharts,
  rerunTask,
  type TaskView,
} from "#contract/api/tasks.ts";
import type { BodyInputOf, ResultOf } from "#contract/endpoint.ts";
import { isTaskEnded, type TaskState } from "#contract/task.ts";
import { api } from "./api.ts";
import { queryClient } from "./query-client.ts";
import { taskPollMs } from "./task-poll.ts";

type TaskPage = ResultOf<typeof listTasks>;
export type NewTask = BodyInputOf<typeof createTask>;

/** Which tasks a list shows. */
export interface TaskFilter {
  readonly site?: string;
  readonly state?: readonly TaskState[];
  readonly search?: string;
  readonly schedule?: string;
}

const pageSize = 30;

export const taskKey = (uid: string) => ["task", uid] as const;

export function useTasks(filter: TaskFilter) {
  return useInfiniteQuery({
    queryKey: ["tasks", filter],
    queryFn: ({ pageParam, signal }) => api.call(listTasks, { query: { ...queryOf(filter), ...(pageParam === null ? {} : { cursor: pageParam }) }, signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (last: TaskPage) => last.next,
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) =>
      taskPollMs(
        (state.data?.pages ?? []).map(({ tasks }) => tasks),
        Date.now(),
      ),
  });
}

function queryOf(filter: TaskFilter) {
  return {
    limit: pageSize,
    ...(filter.site === undefined ? {} : { site: filter.site }),
    ...(filter.state === undefined ? {} : { state: [...filter.state] }),
    ...(filter.search === undefined ? {} : { search: filter.search }),
    ...(filter.schedule === undefined ? {} : { schedule: filter.schedule }),
  };
}

export function useTask(uid: string) {
  return useQuery({ queryKey: taskKey(uid), queryFn: async ({ signal }) => (await api.call(readTask, { params: { uid }, signal })).task });
}

/** The attempts before the last one; asked for anew with each attempt. */
export function useEarlierAttempts({ uid, attempt, state }: TaskView) {
  return useQuery({
    queryKey: ["task-attempts", uid, attempt, state],
    queryFn: async ({ signal }) => (await api.call(readTask, { params: { uid }, signal })).attempts,
    enabled: attempt > 0,
    placeholderData: keepPreviousData,
  });
}

/** Puts what the server told of a task into everything that shows it. */
export function showTask(task: TaskView): void {
  queryClient.setQueryData(taskKey(task.uid), task);
  if (isTaskEnded(task.state)) void queryClient.invalidateQueries({ queryKey: ["tasks"] });
}

/** The scripts that can be run in a site, or without one in the home folder. */
export function useScripts(site: string | null, isWanted = true) {
  return useQuery({
    queryKey: ["scripts", site],
    queryFn: ({ signal }) => (site === null ? api.call(listHomeScripts, { signal }) : api.call(listScriptsOfSite, { params: { name: site }, signal })),
    enabled: isWanted,
  });
}

export function useCreateTask() {
  return useMutation({
    mutationFn: async ({ body, key }: { body: NewTask; key: string }) => (await api.call(createTask, { body, headers: { "idempotency-key": key } })).task,
    onSuccess: (task) => {
      showTask(task);
      void queryClient.invalidateQueries({ queryKey: ["tasks"] });
    },
  });
}

export function useCancelTask() {
  return useMutation({ mutationFn: async (uid: string) => (await api.call(cancelTask, { params: { uid } })).task, onSuccess: showTask });
}

export function useRerunTask() {
  return useMutation({
    mutationFn: async ({ uid, key }: { uid: string; key: string }) =>
      (await api.call(rerunTask, { params: { uid }, headers: { "idempotency-key": key } })).task,
    onSuccess: (task) => {
      showTask(task);
      void queryClient.invalidateQueries({ queryKey: ["tasks"] });
    },
  });
}

/** Tasks per day and free disk space, from one day to another. */
export function useTaskCharts(range: { readonly site: string | null; readonly since: string; readonly until: string }) {
  return useQuery({
    queryKey: ["task-charts", range],
    queryFn: ({ signal }) =>
      api.call(readTaskCharts, {
        query: {
          since: range.since,
          until: range.until,
          timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
          ...(range.site === null ? {} : { site: range.site }),
        },
        signal,
      }),
    placeholderData: keepPreviousData,
  });
}
