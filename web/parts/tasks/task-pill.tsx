import { Ban, CircleCheck, CircleDashed, CircleX, Clock, LoaderCircle, Unplug } from "lucide-react";
import type { ComponentType, ReactNode } from "react";
import type { TaskState } from "#contract/task.ts";
import { taskStateWords } from "../../app/task-words.ts";
import { cx } from "../class-names.ts";
import { toneClass } from "../state-pill.tsx";

const icons: Readonly<Record<TaskState, ComponentType<{ className?: string }>>> = {
  queued: CircleDashed,
  running: LoaderCircle,
  succeeded: CircleCheck,
  failed: CircleX,
  "timed-out": Clock,
  cancelled: Ban,
  lost: Unplug,
  rejected: CircleX,
};

/** A task's state as word, symbol and colour. */
export function TaskPill({ state }: { readonly state: TaskState }): ReactNode {
  const { label, tone } = taskStateWords(state);
  const Icon = icons[state];
  return (
    <span className={cx("inline-flex items-center gap-1.5 whitespace-nowrap rounded-full py-1 pr-3 pl-2 font-medium text-sm", toneClass[tone])}>
      <Icon className={cx("size-4", state === "running" && "animate-spin")} aria-hidden="true" />
      {label}
    </span>
  );
}
