import type { NewTask, Task } from "#core/tasks/task.ts";
import type { LegacyTaskStore } from "#core/tasks/task-store.ts";
import type { Database } from "../database.ts";

/** Tasks as the original's clients see them, in PostgreSQL. */
export class PostgresLegacyTaskStore implements LegacyTaskStore {
  readonly #db: Database;
  readonly #options: { readonly usesBroker: boolean };

  constructor(db: Database, options: { readonly usesBroker: boolean }) {
    this.#db = db;
    this.#options = options;
  }

  async create(_task: NewTask, _limits: { readonly maxWaiting: number }): Promise<{ readonly task: Task; readonly isNew: boolean }> {
    throw new Error(`not yet ${this.#options.usesBroker} ${this.#db}`);
  }
  async byId(_id: number): Promise<Task | null> {
    throw new Error("not yet");
  }
  async byUid(_uid: string): Promise<Task | null> {
    throw new Error("not yet");
  }
  async onDay(_day: { readonly from: Date; readonly until: Date }): Promise<readonly Task[]> {
    throw new Error("not yet");
  }
  async countOnDay(_day: { readonly from: Date; readonly until: Date }): Promise<number> {
    throw new Error("not yet");
  }
  async countPerDay(_time: { readonly from: Date; readonly until: Date }): Promise<ReadonlyMap<string, number>> {
    throw new Error("not yet");
  }
  async freeSpace(): Promise<readonly { readonly id: number; readonly at: Date; readonly freeBytes: number }[]> {
    throw new Error("not yet");
  }
}
