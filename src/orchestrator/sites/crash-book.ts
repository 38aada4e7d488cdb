import { Failure } from "#contract/failure.ts";
import { afterCrash, afterVisit, type BackOffPolicy, type Crash, type CrashHistory, noCrashes } from "./back-off.ts";
import { crashFailure, explain } from "./crash-failure.ts";

/** What follows from a crash. */
export interface Verdict {
  /** In plain words. */
  readonly reason: string;
  readonly failure: Failure;
  /** Null: only the next visitor starts the program again. */
  readonly restartInMs: number | null;
}

/** One site's crashes: how often, why, and until when nobody should try again. */
export class CrashBook {
  readonly #policy: BackOffPolicy;
  #history: CrashHistory = noCrashes;
  #last: Failure | null = null;

  constructor(policy: BackOffPolicy) {
    this.#policy = policy;
  }

  /** `found` is where the program listened instead of where it should. */
  note(crash: Crash, found: readonly string[]): Verdict {
    const next = afterCrash(this.#history, crash, this.#policy);
    const reason = explain(next.history.crashes, found);
    this.#history = next.history;
    this.#last = crashFailure(next.history.crashes, found);
    return { reason, failure: this.#last, restartInMs: next.restartInMs };
  }

  /** What a visitor is told who comes before the next try; null when it may be tried. */
  blocking(now: number): Failure | null {
    const lastAt = this.#history.crashes.at(-1)?.at ?? 0;
    // A clock that was set back must not keep visitors away for the hours that it lost.
    if (this.#last === null || now >= this.#history.retryAt || now < lastAt) return null;
    return new Failure(this.#last.code, this.#last.details);
  }

  noteVisit(): void {
    this.#history = afterVisit(this.#history);
  }

  /** The past counts no more: the program was changed, or put to sleep in good order. */
  clear(): void {
    this.#history = noCrashes;
    this.#last = null;
  }
}
