import { Failure } from "#contract/failure.ts";
import type { Crash } from "./back-off.ts";
import type { Live } from "./boot-instance.ts";
import { foundText, notListeningReason, reasonOf } from "./end-reason.ts";

/** What an instance left when it ended. */
export function crashOf(live: Live, end: Pick<Crash, "at" | "cause">): Crash {
  return { ...end, ranMs: end.at - live.startedAt, lastLine: live.output.lastLine() };
}

/** The last of several crashes in plain words; `found` is where the program listened instead. */
export function explain(crashes: readonly Crash[], found: readonly string[]): string {
  const cause = crashes.at(-1)?.cause;
  return cause?.kind === "silent" ? notListeningReason(cause.seconds, found) : reasonOf(crashes);
}

/** What those are told who wait for the site. */
export function crashFailure(crash: Crash, reason: string, found: readonly string[]): Failure {
  if (crash.cause.kind !== "silent") return new Failure("site_crashed", { reason });
  return new Failure("site_not_listening", { seconds: crash.cause.seconds, found: foundText(found) });
}
