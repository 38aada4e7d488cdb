import type { Log } from "#kit/log.ts";
import { backOffMs } from "#kit/retry.ts";
import type { RunHost } from "./run-host.ts";
import type { Task } from "./task.ts";
import type { TaskTime } from "./task-time.ts";

/** What ending lost runs needs. */
export interface LostRunsDeps {
  readonly host: Pick<RunHost, "cancel">;
  readonly time: TaskTime;
  readonly log: Log;
}

const askAgain = { firstMs: 5_000, mostMs: 60_000 };
/** After that the sweep of old tasks is left to find it. */
const giveUpMs = 86_400_000;

/** Runs that were given up since their host was silent for too long: when it answers again they are ended, so that none works on for nobody. */
export class LostRuns {
  readonly #deps: LostRunsDeps;
  readonly #stopping = new AbortController();

  constructor(deps: LostRunsDeps) {
    this.#deps = deps;
  }

  /** Ends this attempt once its host answers. */
  add(run: Pick<Task, "uid" | "attempt">): void {
    this.#end(run).catch((error: unknown) => {
      if (!this.#stopping.signal.aborted) this.#deps.log.warn({ err: error, task: run.uid }, "a lost run could not be ended");
    });
  }

  stop(): void {
    this.#stopping.abort(new Error("the worker stops"));
  }

  async #end(run: Pick<Task, "uid" | "attempt">): Promise<void> {
    const { host, time, log } = this.#deps;
    const { signal } = this.#stopping;
    const until = time.now() + giveUpMs;
    for (let tries = 1; time.now() < until; tries++) {
      await time.sleep(backOffMs(tries, askAgain), signal);
      if (signal.aborted) return;
      const { kind } = await host.cancel(run, signal);
      if (kind === "away" || kind === "unreached" || kind === "busy") continue;
      log.info({ task: run.uid, attempt: run.attempt }, "a lost run was ended");
      return;
    }
  }
}
