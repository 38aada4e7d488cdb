import { Failure } from "#contract/failure.ts";
import type { Later } from "./later.ts";

/** What a program that comes back by itself needs of its site. */
export interface ComeBackDeps {
  /** How long it may stay when nobody asks for it. */
  readonly unvisitedMs: number;
  readonly later: Later;
  readonly mayStart: () => boolean;
  readonly start: (key: string) => Promise<unknown>;
  /** Whether it runs and nobody was ever given its key. */
  readonly isUnknown: (key: string) => boolean;
  readonly sleep: (key: string) => void;
}

/** Until it is tried again where what is needed for a start is away: the engine of containers. */
const awayMs = 5_000;

/** Starts a program again after a crash, and puts it to sleep when nobody asks for it then. */
export class ComeBack {
  readonly #deps: ComeBackDeps;
  #cancel: () => void = () => undefined;

  constructor(deps: ComeBackDeps) {
    this.#deps = deps;
  }

  plan(delayMs: number, key: string): void {
    this.cancel();
    this.#cancel = this.#deps.later(delayMs, () => {
      if (!this.#deps.mayStart()) return;
      // Under the same key, so that whoever was given it can put it to sleep. A failure is in the status and in the log already.
      this.#deps.start(key).then(
        () => this.#sleepUnlessKnown(key),
        (error: unknown) => {
          if (error instanceof Failure && error.code === "component_away") this.plan(awayMs, key);
        },
      );
    });
  }

  cancel(): void {
    this.#cancel();
  }

  /** A program that nobody asks for would stay awake for ever: no router knows it. */
  #sleepUnlessKnown(key: string): void {
    this.#deps.later(this.#deps.unvisitedMs, () => {
      if (this.#deps.isUnknown(key)) this.#deps.sleep(key);
    });
  }
}
