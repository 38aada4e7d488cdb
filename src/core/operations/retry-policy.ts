import { Failure, type FailureCode } from "#contract/failure.ts";

/** Failures that may be gone by themselves in a moment. */
const passing: readonly FailureCode[] = ["component_away", "not_ready", "site_moved", "machine_full", "internal", "rate_limited"];

/** A step is begun this often at most. */
export const maxAttempts = 12;

/** What to do about a step that failed: again after a while, or give up with a sentence for people. */
export type Verdict = { readonly kind: "retry"; readonly afterMs: number } | { readonly kind: "fail"; readonly code: FailureCode; readonly title: string };

/** Judges a failed step. Waiting grows from 0.1 s to 10 s: about a minute in all, long enough for a part to be restarted. */
export function judgeFailure(error: unknown, attempt: number): Verdict {
  const failure = error instanceof Failure ? error : new Failure("internal", { requestId: "in the worker's log" }, { cause: error });
  // A site's files do not fit: somebody has to decide. A server of databases gets room again, and nothing of this step was written.
  const isServerFull = failure.code === "disk_full" && failure.details.component !== undefined;
  const isPassing = passing.includes(failure.code) || isServerFull;
  if (!isPassing || attempt >= maxAttempts) return { kind: "fail", code: failure.code, title: failure.message };
  return { kind: "retry", afterMs: Math.min(100 * 2 ** (attempt - 1), 10_000) };
}
