import type { TaskWakeups, WakeupAnswer, WakeupHealth } from "#core/tasks/task-wakeups.ts";

/** Wake-ups inside one process: every worker hears of every task. */
export class FakeWakeupSource {
  readonly #workers = new Set<FakeTaskWakeups>();

  open(): FakeTaskWakeups {
    return new FakeTaskWakeups(this.#workers);
  }

  /** A task was queued. */
  announce(): void {
    for (const worker of this.#workers) worker.wake();
  }
}

/** One worker's ear. */
export class FakeTaskWakeups implements TaskWakeups {
  readonly #workers: Set<FakeTaskWakeups>;
  #onWakeup: (() => Promise<WakeupAnswer>) | undefined;
  #isBusy = false;
  #isDue = false;
  #isFull = false;

  constructor(workers: Set<FakeTaskWakeups>) {
    this.#workers = workers;
  }

  async start(onWakeup: () => Promise<WakeupAnswer>): Promise<void> {
    this.#onWakeup = onWakeup;
    this.#workers.add(this);
  }

  resume(): void {
    this.#isFull = false;
    if (this.#isDue) this.wake();
  }

  health(): WakeupHealth {
    const isConnected = this.#workers.has(this);
    return { isConnected, problem: isConnected ? null : "stopped" };
  }

  async stop(): Promise<void> {
    this.#workers.delete(this);
    this.#isDue = false;
  }

  /** Asks now, or as soon as it may. */
  wake(): void {
    this.#isDue = true;
    if (!this.#isBusy && !this.#isFull) void this.#ask();
  }

  async #ask(): Promise<void> {
    this.#isBusy = true;
    while (this.#isDue && !this.#isFull) {
      this.#isDue = false;
      // A worker that failed to look looks by itself later.
      const answer = await this.#onWakeup?.().catch(() => undefined);
      this.#isFull = answer?.hasRoom === false;
    }
    this.#isBusy = false;
  }
}
