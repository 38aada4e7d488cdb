import { setTimeout as delay } from "node:timers/promises";
import { ConfigError } from "#kit/config.ts";
import type { Log } from "#kit/log.ts";
import { type BackOff, backOffMs } from "#kit/retry.ts";

/** A process that runs and is ready. */
export interface Life {
  readonly pid: number;
  /** Resolves, when it has ended, with how: "exit code 1". Never rejects. */
  readonly exited: Promise<string>;
  /** Asks it to end and resolves when it is gone. */
  stop(): Promise<void>;
}

/** Starts the process and resolves when it is ready; rejects when it ends before. After an abort it must leave nothing behind. */
export type Launch = (signal: AbortSignal) => Promise<Life>;

/** How a process is kept. */
export interface KeepOptions {
  readonly name: string;
  readonly log: Log;
  readonly launch: Launch;
  /** Whether a first start that fails is the end, instead of being tried again. Unusable settings always are. */
  readonly isFirstStartDecisive?: boolean;
  readonly time?: Time;
}

/** Time as it passes here; tests make their own. */
export interface Time {
  /** Milliseconds of a clock that never jumps. */
  now(): number;
  /** Resolves after this time, or at once when the signal is aborted. */
  pause(ms: number, signal: AbortSignal): Promise<void>;
}

const realTime: Time = {
  now: () => performance.now(),
  pause: (ms, signal) => delay(ms, undefined, { signal }).catch(() => undefined),
};

/** Quick at first, since visitors wait; slow when it keeps failing, so that the machine and the log stay usable. */
const restart: BackOff = { firstMs: 100, mostMs: 5000 };
/** A process that ran this long had started well: what ended it counts as a first failure. */
const steadyMs = 10_000;

/** A process that is started again whenever it ends, until it is stopped. */
export class KeptProcess {
  readonly #options: KeepOptions;
  readonly #time: Time;
  readonly #stopping = new AbortController();
  #life: Life | undefined;
  #keeping: Promise<void> = Promise.resolve();

  constructor(options: KeepOptions) {
    this.#options = options;
    this.#time = options.time ?? realTime;
  }

  /** The number of the running process; undefined between two. */
  get pid(): number | undefined {
    return this.#life?.pid;
  }

  /** Resolves when the process is ready for the first time. */
  start(): Promise<void> {
    const ready = Promise.withResolvers<void>();
    this.#keeping = this.#keep(ready);
    return ready.promise;
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error("stopping"));
    await this.#life?.stop();
    await this.#keeping;
  }

  async #keep(ready: PromiseWithResolvers<void>): Promise<void> {
    let failures = 0;
    let hasBeenReady = false;
    while (!this.#stopping.signal.aborted) {
      try {
        const ranMs = await this.#live(() => {
          hasBeenReady = true;
          ready.resolve();
        });
        failures = ranMs >= steadyMs ? 1 : failures + 1;
      } catch (err) {
        if (this.#stopping.signal.aborted) break;
        if (!hasBeenReady && (this.#options.isFirstStartDecisive || err instanceof ConfigError)) return ready.reject(err);
        failures++;
        this.#options.log.error({ err, child: this.#options.name }, "process did not start");
      }
      await this.#time.pause(backOffMs(failures, restart), this.#stopping.signal);
    }
    ready.reject(new Error(`${this.#options.name} was stopped before it was ready`));
  }

  async #live(onReady: () => void): Promise<number> {
    const { log, name, launch } = this.#options;
    const startedAt = this.#time.now();
    const life = await launch(this.#stopping.signal);
    this.#life = life;
    const readyAt = this.#time.now();
    log.info({ child: name, childPid: life.pid, afterMs: Math.round(readyAt - startedAt) }, "process is ready");
    // Stopped in the moment between becoming ready and being remembered.
    if (this.#stopping.signal.aborted) await life.stop();
    else onReady();
    const how = await life.exited;
    this.#life = undefined;
    if (!this.#stopping.signal.aborted) log.error({ child: name, childPid: life.pid, how }, "process ended");
    return this.#time.now() - readyAt;
  }
}
