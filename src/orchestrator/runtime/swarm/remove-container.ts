import { setTimeout as delay } from "node:timers/promises";
import { statusOf } from "./engine.ts";

/** How long whoever has a container removed waits for that. */
const usualPatienceMs = 5_000;
const firstWaitMs = 500;
const longestWaitMs = 60_000;

/** What is asked of a container here. */
export interface Removable {
  remove(options: { readonly force: true; readonly v: true }): Promise<unknown>;
}

/**
 * Ends and removes a container. Rejects when the engine does not do it for some seconds, and goes on trying then: nobody else knows of it before the
 * next orchestrator.
 */
export async function removeContainer(container: Removable, of: { readonly isClosed: () => boolean; readonly patienceMs?: number | undefined }): Promise<void> {
  const deadline = performance.now() + (of.patienceMs ?? usualPatienceMs);
  for (let waitMs = firstWaitMs; ; waitMs = Math.min(waitMs * 2, longestWaitMs)) {
    const refusal = await tryToRemove(container);
    if (refusal === null) return;
    if (of.isClosed()) throw refusal.why;
    if (performance.now() + waitMs > deadline) {
      void goOn(container, { waitMs, isClosed: of.isClosed });
      throw refusal.why;
    }
    await delay(waitMs);
  }
}

async function goOn(container: Removable, of: { readonly waitMs: number; readonly isClosed: () => boolean }): Promise<void> {
  for (let { waitMs } = of; ; waitMs = Math.min(waitMs * 2, longestWaitMs)) {
    await delay(waitMs, undefined, { ref: false });
    if (of.isClosed() || (await tryToRemove(container)) === null) return;
  }
}

/** Null when it is gone. */
function tryToRemove(container: Removable): Promise<{ readonly why: unknown } | null> {
  return container.remove({ force: true, v: true }).then(
    () => null,
    // 409: it is being removed already.
    (why: unknown) => ([404, 409].includes(statusOf(why) ?? 0) ? null : { why }),
  );
}
