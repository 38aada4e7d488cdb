import { ChevronRight, CircleCheck, CircleX, Clock, LoaderCircle } from "lucide-react";
import { type ReactNode, useState } from "react";
import type { OperationView } from "#contract/api/views.ts";
import { wordsOf } from "../app/api.ts";
import { useSiteOperations } from "../app/data-operations.ts";
import { durationText } from "../app/formats.ts";
import { trackedOperations } from "../app/operations.ts";
import { actionWord, operationStateWords } from "../app/state-words.ts";
import { useStore } from "../app/store.ts";
import { Button } from "./button.tsx";
import { cx } from "./class-names.ts";
import { Section } from "./heading.tsx";
import { OperationSteps } from "./operation-steps.tsx";
import { ProblemBox } from "./problem-box.tsx";
import { Loading, Skeleton } from "./skeleton.tsx";
import { TimeAgo } from "./time-ago.tsx";

/** What was done to the site, newest first; each entry opens to its steps. */
export function OperationHistory({ name }: { readonly name: string }): ReactNode {
  const query = useSiteOperations(name);
  const tracked = useStore(trackedOperations);
  const listed = query.data?.pages.flatMap((page) => page.operations) ?? [];
  const live = new Map(tracked.map(({ operation }) => [operation.id, operation]));
  // What was started a moment ago is not in the list yet.
  const fresh = tracked.map(({ operation }) => operation).filter((operation) => operation.site === name && !listed.some((each) => each.id === operation.id));
  const operations = [...fresh, ...listed.map((operation) => live.get(operation.id) ?? operation)];
  return (
    <Section title="Operations">
      {query.error !== null && <ProblemBox title={wordsOf(query.error)} retry={() => void query.refetch()} />}
      {query.isPending && query.error === null && (
        <Loading label="The operations are loading">
          <Skeleton className="h-24 w-full" />
        </Loading>
      )}
      {query.isSuccess && operations.length === 0 && <p className="text-soft">Nothing was done to this site yet.</p>}
      {operations.length > 0 && (
        <ul className="-mx-2 flex flex-col">
          {operations.map((operation) => (
            <HistoryEntry key={operation.id} operation={operation} />
          ))}
        </ul>
      )}
      {query.hasNextPage && (
        <Button className="mt-3" onClick={() => void query.fetchNextPage()} busy={query.isFetchingNextPage && "Loading more…"}>
          Show earlier operations
        </Button>
      )}
    </Section>
  );
}

const looks = {
  queued: { Icon: Clock, className: "text-soft" },
  running: { Icon: LoaderCircle, className: "animate-spin text-sky" },
  succeeded: { Icon: CircleCheck, className: "text-good" },
  failed: { Icon: CircleX, className: "text-bad" },
} as const;

function HistoryEntry({ operation }: { readonly operation: OperationView }): ReactNode {
  const [isOpen, setOpen] = useState(false);
  const { Icon, className } = looks[operation.state];
  const took = operation.startedAt !== null && operation.finishedAt !== null ? Date.parse(operation.finishedAt) - Date.parse(operation.startedAt) : null;
  return (
    <li>
      <button
        type="button"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
        className="flex min-h-12 w-full items-center gap-3 rounded-lg px-2 py-1.5 text-left hover:bg-sunken"
      >
        <Icon className={cx("size-5 shrink-0", className)} aria-hidden="true" />
        <span className="min-w-0 flex-1">
          <span className="block font-medium text-[0.9375rem]">
            {actionWord(operation.kind)} <span className="font-normal text-soft">· {operationStateWords[operation.state]}</span>
          </span>
          <span className="block truncate text-soft text-sm">
            <TimeAgo at={operation.createdAt} />
            {operation.requestedBy !== null && ` by ${operation.requestedBy}`}
            {took !== null && `, took ${durationText(took)}`}
          </span>
        </span>
        <ChevronRight className={cx("size-5 shrink-0 text-soft transition-transform", isOpen && "rotate-90")} aria-hidden="true" />
      </button>
      {isOpen && (
        <div className="mt-1 mb-3 ml-10 rounded-xl bg-sunken p-4">
          <OperationSteps operation={operation} />
        </div>
      )}
      {operation.failure !== null && <p className="mb-2 ml-10 text-bad text-sm [overflow-wrap:anywhere]">{operation.failure.title}</p>}
    </li>
  );
}
