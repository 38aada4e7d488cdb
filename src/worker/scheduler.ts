import { setTimeout as delay } from "node:timers/promises";
import { type FireDeps, fireSchedule } from "#core/schedules/fire-schedule.ts";
import type { ClaimedSchedule } from "#core/schedules/schedule-queue.ts";
import type { Log } from "#kit/log.ts";
import { backOffMs } from "#kit/retry.ts";

/** What the scheduler needs. */
export interface SchedulerDeps extends FireDeps {
  readonly log: Log;
  /** Longest sleep: a lost notification, or a clock that jumped, costs no more than this. */
  readonly mostIdleMs?: number;
  /** After how long what a scheduler that died held is another's. */
  readonly leaseMs?: number;
}

/** Few enough that all are fired within a lease. */
const batch = 10;
const failureBackOff = { firstMs: 200, mostMs: 5_000 };

/** Creates the tasks of schedules as they fall due. Any number of them may run on one database: each moment is one's. */
export class Scheduler {
  readonly #deps: SchedulerDeps;
  readonly #stopping = new AbortController();
  #wake = new AbortController();
  #loop: Promise<void> | undefined;

  constructor(deps: SchedulerDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  /** A schedule was made or changed. */
  hint(): void {
    this.#wake.abort();
  }

  /** Ends what is under way, and takes nothing more. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { queue, log, mostIdleMs = 30_000, leaseMs = 30_000 } = this.#deps;
    let failures = 0;
    while (!this.#stopping.signal.aborted) {
      // Made before looking: a hint that comes while this looks is not lost.
      this.#wake = new AbortController();
      let idleMs = mostIdleMs;
      try {
        const claims = await queue.claim({ leaseMs, limit: batch });
        await Promise.all(claims.map((claim) => this.#fire(claim)));
        failures = 0;
        if (claims.length > 0) continue;
        idleMs = Math.min((await queue.nextDueMs()) ?? mostIdleMs, mostIdleMs);
      } catch (error) {
        failures += 1;
        idleMs = backOffMs(failures, failureBackOff);
        log.warn({ err: error }, "due schedules cannot be read; trying again");
      }
      // At least a few milliseconds: one that is due but locked must not turn this into a busy loop.
      await delay(Math.max(idleMs, 20), undefined, { signal: AbortSignal.any([this.#wake.signal, this.#stopping.signal]) }).catch(() => undefined);
    }
  }

  async #fire(claim: ClaimedSchedule): Promise<void> {
    const { log } = this.#deps;
    const about = { schedule: claim.id, dueAt: claim.dueAt };
    try {
      const outcome = await fireSchedule(this.#deps, claim);
      if (outcome.kind === "paused" || outcome.kind === "postponed") log.warn({ ...about, ...outcome }, "a schedule could not run");
      else log.info({ ...about, ...outcome }, "a schedule fell due");
    } catch (error) {
      // Nothing was written: when the lease ends it is tried again, by whoever comes first.
      log.error({ err: error, ...about }, "a schedule could not be run; it is tried again");
    }
  }
}
