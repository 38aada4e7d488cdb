import type { Log } from "#kit/log.ts";
import type { TaskAttempt } from "./task-attempt.ts";
import type { TaskQueue } from "./task-queue.ts";
import type { TaskTime } from "./task-time.ts";

/** What keeping leases needs. */
export interface LeaseKeeperDeps {
  readonly queue: Pick<TaskQueue, "renew">;
  readonly time: TaskTime;
  readonly log: Log;
  readonly leaseMs: number;
  /** What is held now. */
  readonly held: () => readonly TaskAttempt[];
}

/** One heartbeat for all tasks that a worker holds. It also brings what notifications may have missed: who lost a task, and whom somebody wants to cancel. */
export class LeaseKeeper {
  readonly #deps: LeaseKeeperDeps;
  readonly #stopping = new AbortController();
  #hint = new AbortController();
  #loop: Promise<void> | undefined;

  constructor(deps: LeaseKeeperDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  /** Beats now. */
  hint(): void {
    this.#hint.abort();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { time, leaseMs, log } = this.#deps;
    let idleMs = leaseMs / 3;
    while (!this.#stopping.signal.aborted) {
      await time.sleep(idleMs, AbortSignal.any([this.#hint.signal, this.#stopping.signal]));
      if (this.#stopping.signal.aborted) return;
      this.#hint = new AbortController();
      idleMs = leaseMs / 3;
      try {
        await this.#beat();
      } catch (error) {
        // The leases may still be saved if the database comes back soon.
        idleMs = Math.min(leaseMs / 30, 1_000);
        log.warn({ err: error }, "leases of tasks cannot be renewed; trying again");
      }
    }
  }

  async #beat(): Promise<void> {
    const { queue, held, leaseMs, log } = this.#deps;
    const attempts = held();
    if (attempts.length === 0) return;
    const { lost, cancelled } = await queue.renew(
      attempts.map(({ claim }) => claim),
      { leaseMs },
    );
    for (const attempt of attempts) {
      const { uid } = attempt.claim;
      if (lost.includes(uid)) {
        log.info({ task: uid }, "a task is another's now");
        attempt.letGo();
      }
      if (cancelled.includes(uid)) attempt.cancel();
    }
  }
}
