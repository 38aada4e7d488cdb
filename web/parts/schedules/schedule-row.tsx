import { Link, useNavigate } from "@tanstack/react-router";
import { Globe, Play, Trash2 } from "lucide-react";
import { type ReactNode, useState } from "react";
import type { ScheduleView } from "#contract/api/schedules.ts";
import { taskStates } from "#contract/task.ts";
import { wordsOf } from "../../app/api.ts";
import { useDeleteSchedule, usePauseSchedule, useRunSchedule } from "../../app/data-schedules.ts";
import { momentText } from "../../app/formats.ts";
import { notify } from "../../app/notices.ts";
import { cronWords } from "../../app/schedule-words.ts";
import { argumentsText, taskStateWords, taskTitle } from "../../app/task-words.ts";
import { IconButton } from "../button.tsx";
import { ConfirmDialog } from "../confirm-dialog.tsx";
import { SwitchField } from "../field.tsx";
import { TimeAgo } from "../time-ago.tsx";

/** A schedule with its next and last run, and what can be done with it. */
export function ScheduleRow({ schedule }: { readonly schedule: ScheduleView }): ReactNode {
  const { task, nextRuns, lastRun } = schedule;
  const [next] = nextRuns;
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-2 px-4 py-3 sm:px-5">
      <div className="min-w-0 flex-1 basis-64">
        <Link to="/schedules/$id" params={{ id: schedule.id }} className="font-medium hover:underline [overflow-wrap:anywhere]">
          {schedule.name}
        </Link>
        <p className="truncate font-mono text-sm text-soft">
          {taskTitle({ script: task.script ?? null, command: task.command ?? null })} {argumentsText(task.arguments ?? [])}
        </p>
        <p className="flex flex-wrap gap-x-3 text-sm text-soft">
          {schedule.site !== null && (
            <span className="inline-flex items-center gap-1">
              <Globe className="size-3.5" aria-hidden="true" />
              {schedule.site}
            </span>
          )}
          <span>
            {cronWords(schedule.cron) ?? <code>{schedule.cron}</code>} ({schedule.timeZone})
          </span>
        </p>
        {schedule.problem !== null && <p className="text-bad text-sm">{schedule.problem}</p>}
      </div>
      <div className="text-sm max-sm:basis-full">
        <p>{schedule.isPaused ? "Paused" : next === undefined ? "Never again" : `Next: ${momentText(next)}`}</p>
        {lastRun !== null && (
          <p className="text-soft">
            Last:{" "}
            <Link to="/tasks/$uid" params={{ uid: lastRun.uid }} className="underline">
              {lastStateText(lastRun.state)}
            </Link>
            , <TimeAgo at={lastRun.at} />
          </p>
        )}
      </div>
      {schedule.you.mayControl && <RowActions schedule={schedule} />}
    </li>
  );
}

/** A task's state in words; the server may know one that this page does not. */
function lastStateText(state: string): string {
  const known = taskStates.find((each) => each === state);
  return known === undefined ? state : taskStateWords(known).label;
}

function RowActions({ schedule }: { readonly schedule: ScheduleView }): ReactNode {
  const [isAsking, setAsking] = useState(false);
  const navigate = useNavigate();
  const pause = usePauseSchedule();
  const run = useRunSchedule();
  const remove = useDeleteSchedule();
  const complain = (error: unknown): void => notify({ tone: "bad", text: wordsOf(error) });
  const { id, isPaused, name } = schedule;
  return (
    <div className="flex items-center gap-1">
      <SwitchField
        label="Active"
        checked={!isPaused}
        disabled={pause.isPending}
        onChange={(active) => pause.mutate({ id, isPaused: !active }, { onError: complain })}
      />
      <IconButton
        label={`Run ${name} now`}
        disabled={run.isPending}
        onClick={() => run.mutate(id, { onError: complain, onSuccess: (uid) => void navigate({ to: "/tasks/$uid", params: { uid } }) })}
      >
        <Play aria-hidden="true" />
      </IconButton>
      <IconButton label={`Delete ${name}`} onClick={() => setAsking(true)}>
        <Trash2 aria-hidden="true" />
      </IconButton>
      <ConfirmDialog
        isOpen={isAsking}
        onClose={() => setAsking(false)}
        title={`Delete the schedule ${name}?`}
        confirmLabel="Delete the schedule"
        busyLabel="Deleting…"
        isBusy={remove.isPending}
        error={remove.error}
        onConfirm={() => remove.mutate(id, { onSuccess: () => setAsking(false) })}
      >
        It does not run any more. Its tasks and their output stay.
      </ConfirmDialog>
    </div>
  );
}
