import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { TaskView } from "#contract/api/tasks.ts";
import { bytesText, durationText, momentText } from "../../app/formats.ts";
import { taskDuration } from "../../app/task-words.ts";
import { useNow } from "../use-now.ts";

/** Everything that is known of a task, as pairs. What is not known is left out. */
export function TaskFacts({ task }: { readonly task: TaskView }): ReactNode {
  const now = useNow(task.state === "running");
  const wait = task.startedAt === null ? null : Math.max(Date.parse(task.startedAt) - Math.max(Date.parse(task.createdAt), Date.parse(task.runAt)), 0);
  const facts: readonly (readonly [string, ReactNode])[] = [
    ["Created", `${momentText(task.createdAt)}${task.createdBy === null ? "" : ` by ${task.createdBy}`}`],
    ["Not before", Date.parse(task.runAt) - Date.parse(task.createdAt) > 1000 ? momentText(task.runAt) : null],
    ["Waited", wait === null ? null : durationText(wait)],
    ["Duration", taskDuration(task, now)],
    ["Exit code", task.code],
    ["Signal", task.signal],
    ["Processor time", task.cpuMs === null ? null : durationText(task.cpuMs)],
    ["Peak memory", task.peakMemoryBytes === null ? null : bytesText(task.peakMemoryBytes)],
    ["Free disk before", task.diskBeforeBytes === null ? null : bytesText(task.diskBeforeBytes)],
    ["Free disk after", task.diskAfterBytes === null ? null : bytesText(task.diskAfterBytes)],
    ["Attempt", task.retry.retries > 0 || task.attempt > 1 ? `${task.attempt} of ${task.retry.retries + 1}` : null],
    ["Priority", task.priority === 0 ? null : task.priority],
    ["Ends after", durationText(task.limits.timeoutMs)],
    ["Memory limit", bytesText(task.limits.memoryBytes)],
    ["Variables", task.environment.length === 0 ? null : task.environment.join(", ")],
    ["Schedule", task.schedule?.name ?? null],
    ["Same as", task.rerunOf === null ? null : <Earlier key="earlier" uid={task.rerunOf} />],
    ["Id", <code key="uid">{task.uid}</code>],
  ];
  return (
    <dl className="grid grid-cols-1 gap-x-8 gap-y-2 sm:grid-cols-2 lg:grid-cols-3">
      {facts
        .filter(([, value]) => value !== null)
        .map(([name, value]) => (
          <div key={name} className="flex min-w-0 justify-between gap-4 border-line border-b py-1.5">
            <dt className="shrink-0 text-soft">{name}</dt>
            <dd className="min-w-0 text-right tabular-nums [overflow-wrap:anywhere]">{value}</dd>
          </div>
        ))}
    </dl>
  );
}

function Earlier({ uid }: { readonly uid: string }): ReactNode {
  return (
    <Link to="/tasks/$uid" params={{ uid }} className="text-accent underline">
      the earlier task
    </Link>
  );
}
