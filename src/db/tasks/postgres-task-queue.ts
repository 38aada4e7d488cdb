import type { ClaimedTask, TaskClaim, TaskOutcome, TaskQueue, TaskStart } from "#core/tasks/task-queue.ts";
import type { Database } from "../database.ts";

/** The queue of tasks, in PostgreSQL. */
export class PostgresTaskQueue implements TaskQueue {
  readonly #db: Database;
  readonly #options: { readonly usesBroker: boolean };

  constructor(db: Database, options: { readonly usesBroker: boolean }) {
    this.#db = db;
    this.#options = options;
  }

  async claim(_request: TaskClaim): Promise<readonly ClaimedTask[]> {
    throw new Error(`not yet ${this.#options.usesBroker} ${this.#db}`);
  }
  async renew(): Promise<{ readonly lost: readonly string[]; readonly cancelled: readonly string[] }> {
    throw new Error("not yet");
  }
  async started(_claim: ClaimedTask, _start: TaskStart): Promise<boolean> {
    throw new Error("not yet");
  }
  async finish(_claim: ClaimedTask, _outcome: TaskOutcome): Promise<boolean> {
    throw new Error("not yet");
  }
  async release(): Promise<boolean> {
    throw new Error("not yet");
  }
  async handBack(): Promise<void> {
    throw new Error("not yet");
  }
  async nextDueMs(): Promise<number | null> {
    throw new Error("not yet");
  }
}
