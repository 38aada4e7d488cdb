import type { ReactNode } from "react";
import type { TaskAttemptView, TaskView } from "#contract/api/tasks.ts";
import { useEarlierAttempts } from "../../app/data-tasks.ts";
import { bytesText, durationText, momentText } from "../../app/formats.ts";
import { Section } from "../heading.tsx";

/** How a task's earlier attempts ended; nothing where there were none. */
export function EarlierAttempts({ task }: { readonly task: TaskView }): ReactNode {
  const { data: attempts = [] } = useEarlierAttempts(task);
  if (attempts.length === 0) return null;
  return (
    <Section title="Earlier attempts">
      <ol className="flex flex-col">
        {attempts.map((attempt) => (
          <li key={attempt.attempt} className="flex flex-wrap justify-between gap-x-6 gap-y-1 border-line border-b py-2">
            <span>
              <span className="font-medium">Attempt {attempt.attempt}</span> <span className="text-soft">{attempt.reason ?? endText(attempt)}</span>
            </span>
            <span className="text-soft tabular-nums">{factsOf(attempt).join(" · ")}</span>
          </li>
        ))}
      </ol>
    </Section>
  );
}

function endText({ end, code, signal }: TaskAttemptView): string {
  return `${end}${code === null ? "" : ` with code ${code}`}${signal === null ? "" : ` by ${signal}`}`;
}

function factsOf({ startedAt, finishedAt, cpuMs, peakMemoryBytes }: TaskAttemptView): readonly string[] {
  return [
    ...(startedAt === null ? [] : [momentText(startedAt), `took ${durationText(Date.parse(finishedAt) - Date.parse(startedAt))}`]),
    ...(cpuMs === null ? [] : [`${durationText(cpuMs)} of processor time`]),
    ...(peakMemoryBytes === null ? [] : [bytesText(peakMemoryBytes)]),
  ];
}
