import { Link } from "@tanstack/react-router";
import { CalendarClock, Globe } from "lucide-react";
import type { ReactNode } from "react";
import type { TaskView } from "#contract/api/tasks.ts";
import { wordsOf } from "../../app/api.ts";
import type { useTasks } from "../../app/data-tasks.ts";
import { argumentsText, resultText, taskDuration, taskTitle } from "../../app/task-words.ts";
import { Button } from "../button.tsx";
import { ProblemBox } from "../problem-box.tsx";
import { Loading, Skeleton } from "../skeleton.tsx";
import { TimeAgo } from "../time-ago.tsx";
import { useNow } from "../use-now.ts";
import { TaskPill } from "./task-pill.tsx";

interface ListProps {
  readonly query: ReturnType<typeof useTasks>;
  /** Shown when there is nothing. */
  readonly empty: ReactNode;
  /** The list is of one site: its name is left out of the rows. */
  readonly isOfOneSite?: boolean;
}

/** Tasks, newest first, with more on demand. */
export function TaskList({ query, empty, isOfOneSite = false }: ListProps): ReactNode {
  const tasks = query.data?.pages.flatMap((page) => page.tasks);
  const now = useNow(tasks?.some((task) => task.state === "running") === true);
  if (query.error !== null && tasks === undefined) return <ProblemBox title={wordsOf(query.error)} retry={() => void query.refetch()} />;
  if (tasks === undefined) {
    return (
      <Loading label="The tasks are loading">
        <Skeleton className="h-72 w-full rounded-xl" />
      </Loading>
    );
  }
  if (tasks.length === 0) return empty;
  return (
    <>
      <ul className="card divide-y divide-line" aria-label="Tasks" aria-busy={query.isPlaceholderData}>
        {tasks.map((task) => (
          <Row key={task.uid} task={task} now={now} isOfOneSite={isOfOneSite} />
        ))}
      </ul>
      {query.hasNextPage && (
        <div className="mt-4 flex flex-col items-center gap-3">
          {query.isFetchNextPageError && <ProblemBox title={wordsOf(query.error)} />}
          <Button onClick={() => void query.fetchNextPage()} busy={query.isFetchingNextPage && "Loading more…"}>
            Show earlier tasks
          </Button>
        </div>
      )}
    </>
  );
}

function Row({ task, now, isOfOneSite }: { readonly task: TaskView; readonly now: number; readonly isOfOneSite: boolean }): ReactNode {
  const duration = taskDuration(task, now);
  const result = resultText(task);
  return (
    <li className="relative flex flex-wrap items-center gap-x-4 gap-y-1 px-4 py-3 hover:bg-sunken/60 sm:px-5">
      <div className="min-w-0 flex-1 basis-60">
        <Link
          to="/tasks/$uid"
          params={{ uid: task.uid }}
          className="font-medium font-mono text-[0.9375rem] [overflow-wrap:anywhere] after:absolute after:inset-0 hover:underline"
        >
          {taskTitle(task)} <span className="font-normal text-soft">{argumentsText(task.arguments)}</span>
        </Link>
        <p className="flex flex-wrap items-center gap-x-3 text-soft text-sm">
          {!isOfOneSite && task.site !== null && (
            <span className="inline-flex items-center gap-1">
              <Globe className="size-3.5" aria-hidden="true" />
              {task.site}
            </span>
          )}
          {task.schedule !== null && (
            <span className="inline-flex items-center gap-1">
              <CalendarClock className="size-3.5" aria-hidden="true" />
              {task.schedule.name}
            </span>
          )}
          {task.createdBy !== null && <span>{task.createdBy}</span>}
          <TimeAgo at={task.createdAt} />
        </p>
      </div>
      <div className="flex items-center gap-3">
        {result !== "" && <span className="text-sm text-soft">{result}</span>}
        {duration !== null && <span className="text-sm text-soft tabular-nums">{duration}</span>}
        <TaskPill state={task.state} />
      </div>
    </li>
  );
}
