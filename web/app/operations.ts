import type { InfiniteData } from "@tanstack/react-query";
import { followOperation, readOperation } from "#contract/api/operations.ts";
import { type OperationView, operationView } from "#contract/api/views.ts";
import { readEvents } from "#contract/events.ts";
import { Failure } from "#contract/failure.ts";
import { api, wordsOf } from "./api.ts";
import { sessionEnded, untilSignedIn } from "./connection.ts";
import { queryClient } from "./query-client.ts";
import { createStore } from "./store.ts";
import { hasRoom, whileStreaming } from "./stream-room.ts";
import { untilVisible } from "./visibility.ts";

export interface TrackedOperation {
  readonly operation: OperationView;
  /** False where a page shows the operation itself, and when it was put away. */
  readonly isShown: boolean;
  /** What keeps us from hearing of it, in plain words. */
  readonly trouble: string | null;
}

/** Every operation started in this tab, newest first. */
export const trackedOperations = createStore<readonly TrackedOperation[]>([]);

const pollMs = 1000;
/** Where nothing answers it is asked less and less often, at last this often. */
const mostPollMs = 15_000;
const never = new AbortController().signal;
const keptFinished = 20;

export function isOver(operation: OperationView): boolean {
  return operation.state === "succeeded" || operation.state === "failed";
}

/** Follows an operation to its end and shows it in the tray. */
export function trackOperation(operation: OperationView, { isShown = true }: { isShown?: boolean } = {}): void {
  const others = trackedOperations.get().filter((each) => each.operation.id !== operation.id);
  trackedOperations.set([{ operation, isShown, trouble: null }, ...others].slice(0, keptFinished));
  void follow(operation.id);
}

export function hideOperation(id: string): void {
  patch(id, { isShown: false });
}

function patch(id: string, change: Partial<TrackedOperation>): void {
  trackedOperations.set((all) => all.map((each) => (each.operation.id === id ? { ...each, ...change } : each)));
}

async function follow(id: string): Promise<void> {
  for (let rounds = 0, failures = 0; ; rounds += 1) {
    // Nobody looks, or nobody may: what became of it is asked for as soon as somebody does.
    await untilVisible(never);
    await untilSignedIn();
    try {
      const operation = (hasRoom() ? await stream(id) : null) ?? (await api.call(readOperation, { params: { id } })).operation;
      failures = 0;
      patch(id, { operation, trouble: null });
      if (isOver(operation)) return void refresh(operation);
    } catch (error) {
      failures += 1;
      const refusal = refusalOf(error);
      if (refusal !== null) return patch(id, { trouble: refusal });
      // Signed out, the page asks for the password itself.
      if (!sessionEnded.get()) patch(id, { trouble: "Backlot does not answer. This goes on as soon as it does." });
    }
    await new Promise((resolve) => setTimeout(resolve, rounds === 0 ? pollMs / 4 : Math.min(pollMs * 2 ** Math.max(failures - 1, 0), mostPollMs)));
  }
}

/** What to say where asking again would be refused again; null where it may go better the next time. */
function refusalOf(error: unknown): string | null {
  if (!(error instanceof Failure) || error.status >= 500) return null;
  if (error.code === "operation_not_found") return "Backlot no longer knows this operation.";
  // Too much asked, too slowly, or by nobody: that passes.
  return [401, 408, 429].includes(error.status) ? null : wordsOf(error);
}

/** Follows live; gives the operation when it has ended, null when the stream broke off before. */
async function stream(id: string): Promise<OperationView | null> {
  const { signal, release } = whileStreaming(new AbortController().signal);
  try {
    const response = await api.fetch(followOperation, { params: { id }, signal });
    if (response.body === null) return null;
    for await (const { data } of readEvents(response.body)) {
      const operation = operationView.parse(JSON.parse(data));
      patch(id, { operation, trouble: null });
      if (isOver(operation)) return operation;
    }
    return null;
  } catch (error) {
    // Left or hidden: asking now and then goes on instead.
    if (!signal.aborted) throw error;
    return null;
  } finally {
    release();
  }
}

/** What the operation changed has to be read again. */
function refresh(operation: OperationView): void {
  if (operation.kind === "delete" && operation.state === "succeeded") {
    queryClient.removeQueries({ queryKey: ["site", operation.site] });
    type Page = { sites: readonly { name: string }[]; next: string | null };
    queryClient.setQueriesData<InfiniteData<Page>>({ queryKey: ["sites"] }, (data) =>
      data === undefined ? data : { ...data, pages: data.pages.map((page) => ({ ...page, sites: page.sites.filter((site) => site.name !== operation.site) })) },
    );
  } else void queryClient.invalidateQueries({ queryKey: ["site", operation.site] });
  void queryClient.invalidateQueries({ queryKey: ["sites"] });
}
