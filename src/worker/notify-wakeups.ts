import type { TaskWakeups, WakeupAnswer, WakeupHealth } from "#core/tasks/task-wakeups.ts";

/** Wake-ups by the database's notifications: every worker hears of every task, and the first that claims it has it. */
export class NotifyWakeups implements TaskWakeups {
  #onWakeup: (() => Promise<WakeupAnswer>) | undefined;
  #isConnected = false;
  #isBusy = false;
  #isDue = false;
  #isFull = false;

  async start(onWakeup: () => Promise<WakeupAnswer>): Promise<void> {
    this.#onWakeup = onWakeup;
    if (this.#isDue) this.heard();
  }

  resume(): void {
    this.#isFull = false;
    if (this.#isDue) this.heard();
  }

  health(): WakeupHealth {
    return { isConnected: this.#isConnected, problem: this.#isConnected ? null : "the database's notifications are not heard" };
  }

  async stop(): Promise<void> {
    this.#onWakeup = undefined;
  }

  /** The database said that there may be work. */
  heard(): void {
    this.#isDue = true;
    if (!this.#isBusy && !this.#isFull && this.#onWakeup !== undefined) void this.#ask(this.#onWakeup);
  }

  /** The listener connected: what was said before it is lost. */
  connected(): void {
    this.#isConnected = true;
    this.heard();
  }

  disconnected(): void {
    this.#isConnected = false;
  }

  async #ask(onWakeup: () => Promise<WakeupAnswer>): Promise<void> {
    this.#isBusy = true;
    while (this.#isDue && !this.#isFull) {
      this.#isDue = false;
      // Said before asking, so that a slot that becomes free meanwhile is not overlooked.
      this.#isFull = true;
      // It looks by itself when it could not look now.
      const answer = await onWakeup().catch(() => undefined);
      if (answer?.hasRoom !== false) this.#isFull = false;
    }
    this.#isBusy = false;
  }
}
