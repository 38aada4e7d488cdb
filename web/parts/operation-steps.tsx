import { Circle, CircleCheck, CircleX, LoaderCircle } from "lucide-react";
import type { ReactNode } from "react";
import type { OperationView } from "#contract/api/views.ts";
import { durationText } from "../app/formats.ts";
import { cx } from "./class-names.ts";

type Step = OperationView["steps"][number];

const looks = {
  waiting: { Icon: Circle, className: "text-edge", word: "Waiting" },
  running: { Icon: LoaderCircle, className: "animate-spin text-sky", word: "Running" },
  succeeded: { Icon: CircleCheck, className: "text-good", word: "Done" },
  failed: { Icon: CircleX, className: "text-bad", word: "Failed" },
} as const;

/** An operation step by step: what is done, what goes on, what failed and what to do about it. */
export function OperationSteps({ operation }: { readonly operation: OperationView }): ReactNode {
  return (
    <ol className="flex flex-col gap-1.5">
      {operation.steps.map((step) => (
        <StepLine key={step.name} step={step} isOver={operation.state === "failed"} />
      ))}
    </ol>
  );
}

function StepLine({ step, isOver }: { readonly step: Step; readonly isOver: boolean }): ReactNode {
  const { Icon, className, word } = looks[step.state];
  const isSkipped = isOver && step.state === "waiting";
  const took = step.startedAt !== null && step.finishedAt !== null ? durationText(Date.parse(step.finishedAt) - Date.parse(step.startedAt)) : null;
  return (
    <li className="flex items-start gap-2.5 text-[0.9375rem]">
      <Icon className={cx("mt-[0.2rem] size-[1.125rem] shrink-0", className)} aria-hidden="true" />
      <div className="min-w-0 flex-1">
        <p className={cx(step.state === "waiting" && "text-soft", step.state === "failed" && "font-medium text-bad")}>
          <span className="sr-only">{isSkipped ? "Not reached: " : `${word}: `}</span>
          {step.title}
          {step.attempt > 1 && <span className="text-soft"> · attempt {step.attempt}</span>}
        </p>
        {step.message !== null && <p className="text-sm text-soft [overflow-wrap:anywhere]">{step.message}</p>}
      </div>
      {took !== null && <span className="shrink-0 text-sm text-soft tabular-nums">{took}</span>}
    </li>
  );
}
