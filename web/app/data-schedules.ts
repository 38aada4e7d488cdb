import { keepPreviousData, useInfiniteQuery, useMutation, useQuery } from "@tanstack/react-query";
import {
  createSchedule,
  deleteSchedule,
  listSchedules,
  previewSchedule,
  readSchedule,
  runSchedule,
  type ScheduleView,
  updateSchedule,
} from "#contract/api/schedules.ts";
import type { BodyInputOf, ResultOf } from "#contract/endpoint.ts";
import { api } from "./api.ts";
import { queryClient } from "./query-client.ts";

type Page = ResultOf<typeof listSchedules>;
export type NewSchedule = BodyInputOf<typeof createSchedule>;
export type ScheduleChange = BodyInputOf<typeof updateSchedule>;

const listKey = ["schedules"] as const;
const keyOf = (id: string) => ["schedule", id] as const;

export function useSchedules(site: string | null) {
  return useInfiniteQuery({
    queryKey: [...listKey, site],
    queryFn: ({ pageParam, signal }) =>
      api.call(listSchedules, { query: { limit: 50, ...(site === null ? {} : { site }), ...(pageParam === null ? {} : { cursor: pageParam }) }, signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (last: Page) => last.next,
    placeholderData: keepPreviousData,
    refetchInterval: 15_000,
  });
}

export function useSchedule(id: string | null) {
  return useQuery({
    queryKey: keyOf(id ?? ""),
    queryFn: async ({ signal }) => (await api.call(readSchedule, { params: { id: id ?? "" }, signal })).schedule,
    enabled: id !== null,
  });
}

/** The next moments of an expression while it is typed. */
export function usePreview(cron: string, timeZone: string) {
  return useQuery({
    queryKey: ["schedule-preview", cron, timeZone],
    queryFn: async ({ signal }) => (await api.call(previewSchedule, { query: { cron, timeZone }, signal })).next,
    enabled: cron.trim() !== "",
    placeholderData: keepPreviousData,
    retry: false,
  });
}

async function show(schedule: ScheduleView): Promise<void> {
  // What was asked before would otherwise come after what is saved now.
  await queryClient.cancelQueries({ queryKey: keyOf(schedule.id), exact: true });
  queryClient.setQueryData(keyOf(schedule.id), schedule);
  void queryClient.invalidateQueries({ queryKey: listKey });
}

export function useSaveSchedule(id: string | null) {
  return useMutation({
    mutationFn: async (body: NewSchedule | ScheduleChange) => {
      // Only a change may come without its task.
      if (id !== null) return (await api.call(updateSchedule, { params: { id }, body })).schedule;
      return (await api.call(createSchedule, { body: body as NewSchedule })).schedule;
    },
    onSuccess: show,
  });
}

export function usePauseSchedule() {
  return useMutation({
    mutationFn: async ({ id, isPaused }: { readonly id: string; readonly isPaused: boolean }) =>
      (await api.call(updateSchedule, { params: { id }, body: { isPaused } })).schedule,
    onSuccess: show,
  });
}

export function useDeleteSchedule() {
  return useMutation({
    mutationFn: (id: string) => api.call(deleteSchedule, { params: { id } }),
    onSuccess: () => void queryClient.invalidateQueries({ queryKey: listKey }),
  });
}

export function useRunSchedule() {
  return useMutation({
    mutationFn: async (id: string) => (await api.call(runSchedule, { params: { id } })).uid,
    onSuccess: () => void queryClient.invalidateQueries({ queryKey: listKey }),
  });
}
