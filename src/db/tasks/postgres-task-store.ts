import type { Actor } from "#core/accounts/user.ts";
import type { Page, PageRequest } from "#core/page.ts";
import type { NewTask, Task } from "#core/tasks/task.ts";
import type { ActorTask, TaskDay, TaskFilter, TaskStore } from "#core/tasks/task-store.ts";
import type { Database } from "../database.ts";

/** Tasks as people see them, in PostgreSQL. */
export class PostgresTaskStore implements TaskStore {
  readonly #db: Database;
  readonly #options: { readonly usesBroker: boolean };

  constructor(db: Database, options: { readonly usesBroker: boolean }) {
    this.#db = db;
    this.#options = options;
  }

  async create(_task: NewTask, _limits: { readonly maxWaiting: number }): Promise<{ readonly task: Task; readonly isNew: boolean }> {
    throw new Error(`not yet ${this.#options.usesBroker} ${this.#db}`);
  }
  async forActor(_actor: Actor, _uid: string): Promise<ActorTask | null> {
    throw new Error("not yet");
  }
  async listFor(_actor: Actor, _filter: TaskFilter, _request: PageRequest): Promise<Page<ActorTask>> {
    throw new Error("not yet");
  }
  async requestCancel(_task: Task): Promise<Task> {
    throw new Error("not yet");
  }
  async sealedEnvironment(_task: Task): Promise<string | null> {
    throw new Error("not yet");
  }
  async days(): Promise<readonly TaskDay[]> {
    throw new Error("not yet");
  }
  async disk(): Promise<readonly { readonly at: Date; readonly uid: string; readonly freeBytes: number }[]> {
    throw new Error("not yet");
  }
}
