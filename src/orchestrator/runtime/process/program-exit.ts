import { constants } from "node:os";
import type { InstanceExit } from "../site-runtime.ts";

// Backwards, so that of two names the first one stays: SIGABRT, not SIGIOT.
const signalNames: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.signals)
    .reverse()
    .map(([name, number]) => [number, name]),
);

/** How the program ended, from how bubblewrap ended: it reports a signal as 128 + its number, as shells do. */
export function exitOf(ended: { readonly code: number | null; readonly signal: string | null }, oomKills: number): InstanceExit {
  const signal = ended.signal ?? signalNames.get((ended.code ?? 0) - 128) ?? null;
  // The kernel ends one process of the group, not always the first one: a shell then reports its child's signal as its own.
  const isOutOfMemory = oomKills > 0 && signal === "SIGKILL";
  return { code: signal === null ? ended.code : null, signal, isOutOfMemory };
}
