import { ChevronDown, CircleCheck, CircleX, LoaderCircle, X } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { hideOperation, isOver, type TrackedOperation, trackedOperations } from "../app/operations.ts";
import { operationWords, progressWords } from "../app/state-words.ts";
import { useStore } from "../app/store.ts";
import { IconButton } from "./button.tsx";
import { cx } from "./class-names.ts";
import { OperationSteps } from "./operation-steps.tsx";

const doneShownMs = 5000;
const maxShown = 4;

/** The operations started in this tab, live, until they are put away. */
export function OperationTray(): ReactNode {
  const shown = useStore(trackedOperations).filter((each) => each.isShown);
  return (
    <>
      {/* One region that stays: what comes into the page together with its words is not read out. */}
      <p role="status" className="sr-only">
        {shown.map(({ operation }) => progressWords(operation)).join(". ")}
      </p>
      {shown.slice(0, maxShown).map((tracked) => (
        <OperationCard key={tracked.operation.id} tracked={tracked} />
      ))}
      {shown.length > maxShown && <p className="card px-4 py-2 text-sm text-soft">and {shown.length - maxShown} more under way</p>}
    </>
  );
}

function OperationCard({ tracked: { operation, trouble } }: { readonly tracked: TrackedOperation }): ReactNode {
  const [choice, setChoice] = useState<boolean | null>(null);
  const isOpen = choice ?? operation.state !== "succeeded";
  const over = isOver(operation);
  useEffect(() => {
    // A success goes by itself unless someone is reading its steps; a failure stays.
    if (operation.state !== "succeeded" || choice === true) return;
    const timer = setTimeout(() => hideOperation(operation.id), doneShownMs);
    return () => clearTimeout(timer);
  }, [operation.id, operation.state, choice]);
  const current = operation.steps.find((step) => step.state === "running");
  return (
    <section aria-label={operationWords(operation)} className="pointer-events-auto animate-appear rounded-2xl border border-line bg-surface shadow-float">
      <div className="flex items-center gap-2 py-1.5 pr-1.5 pl-4">
        <TrayIcon state={operation.state} />
        <div className="min-w-0 flex-1 py-1">
          <p className="font-medium leading-snug [overflow-wrap:anywhere]">{operationWords(operation)}</p>
          {!isOpen && !over && current !== undefined && <p className="truncate text-sm text-soft">{current.title}</p>}
        </div>
        <IconButton label={isOpen ? "Hide the steps" : "Show the steps"} aria-expanded={isOpen} onClick={() => setChoice(!isOpen)}>
          <ChevronDown className={cx("transition-transform", isOpen && "rotate-180")} aria-hidden="true" />
        </IconButton>
        <IconButton label="Put away" onClick={() => hideOperation(operation.id)}>
          <X aria-hidden="true" />
        </IconButton>
      </div>
      {isOpen && (
        <div className="max-h-[40vh] overflow-y-auto border-line border-t px-4 py-3">
          <OperationSteps operation={operation} />
        </div>
      )}
      {operation.failure !== null && <p className="border-line border-t bg-bad-tint px-4 py-3 text-bad last:rounded-b-2xl">{operation.failure.title}</p>}
      {trouble !== null && <p className="border-line border-t px-4 py-3 text-sm text-warn">{trouble}</p>}
    </section>
  );
}

function TrayIcon({ state }: { readonly state: TrackedOperation["operation"]["state"] }): ReactNode {
  if (state === "succeeded") return <CircleCheck className="size-5 shrink-0 text-good" aria-hidden="true" />;
  if (state === "failed") return <CircleX className="size-5 shrink-0 text-bad" aria-hidden="true" />;
  return <LoaderCircle className="size-5 shrink-0 animate-spin text-sky" aria-hidden="true" />;
}
