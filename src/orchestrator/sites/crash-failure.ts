import { Failure } from "#contract/failure.ts";
import type { Crash } from "./back-off.ts";
import type { Live } from "./boot-instance.ts";
import { endingOf, foundText, notListeningReason, reasonOf } from "./end-reason.ts";

/** What an instance left when it ended. */
export function crashOf(live: Live, end: Pick<Crash, "at" | "cause">): Crash {
  return { ...end, ranMs: end.at - live.startedAt, lastLine: live.output.lastLine() };
}

/** The last of several crashes in plain words; `found` is where the program listened instead. */
export function explain(crashes: readonly Crash[], found: readonly string[]): string {
  const cause = crashes.at(-1)?.cause;
  return cause?.kind === "silent" ? notListeningReason(cause.seconds, found) : reasonOf(crashes);
}

/** What those are told who wait for the site. Its `cause` is for visitors, who may not see what stands in the log as `reason` does. */
export function crashFailure(crashes: readonly Crash[], found: readonly string[]): Failure {
  const last = crashes.at(-1)?.cause;
  if (last?.kind === "silent") return new Failure("site_not_listening", { seconds: last.seconds, found: foundText(found) });
  return new Failure("site_crashed", { reason: reasonOf(crashes), cause: endingOf(crashes) });
}
