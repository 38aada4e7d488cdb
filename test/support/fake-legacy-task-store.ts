import type { NewTask, Task } from "#core/tasks/task.ts";
import type { LegacyTaskStore } from "#core/tasks/task-store.ts";

/** The original's view of tasks, in memory. Tests put results in by `change`. */
export class FakeLegacyTaskStore implements LegacyTaskStore {
  readonly created: NewTask[] = [];
  readonly #tasks: Task[] = [];
  readonly #now: () => Date;

  constructor(now: () => Date) {
    this.#now = now;
  }

  async create(task: NewTask) {
    this.created.push(task);
    const { limits, retry, sealedEnvironment: _environment, scriptConcurrency: _concurrency, createdById, ...rest } = task;
    const queued: Task = {
      ...rest,
      id: this.#tasks.length + 1,
      state: "queued",
      reason: null,
      site: null,
      retry,
      limits,
      attempt: 0,
      createdBy: createdById === null ? null : { id: createdById, username: "ada" },
      schedule: null,
      createdAt: this.#now(),
      runAt: this.#now(),
      startedAt: null,
      finishedAt: null,
      cancelRequestedAt: null,
      result: null,
    };
    this.#tasks.push(queued);
    return { task: queued, isNew: true };
  }

  change(id: number, changes: Partial<Task>): void {
    const index = this.#tasks.findIndex((task) => task.id === id);
    const task = this.#tasks[index];
    if (task === undefined) throw new Error(`there is no task ${id}`);
    this.#tasks[index] = { ...task, ...changes };
  }

  async byId(id: number) {
    return this.#tasks.find((task) => task.id === id) ?? null;
  }
  async byUid(uid: string) {
    return this.#tasks.find((task) => task.uid === uid) ?? null;
  }
  async *onDay(day: { readonly from: Date; readonly until: Date }) {
    // In the smallest pieces that there are.
    for (const task of this.#on(day)) yield [task];
  }
  #on({ from, until }: { readonly from: Date; readonly until: Date }) {
    return this.#tasks.filter(({ createdAt }) => createdAt >= from && createdAt < until);
  }
  async countOnDay(day: { readonly from: Date; readonly until: Date }) {
    return this.#on(day).length;
  }
  async countPerDay(time: { readonly from: Date; readonly until: Date }) {
    const counts = new Map<string, number>();
    for (const { createdAt } of this.#on(time)) {
      const day = createdAt.toISOString().slice(0, 10);
      counts.set(day, (counts.get(day) ?? 0) + 1);
    }
    return counts;
  }
  async freeSpace({ limit, ...time }: { readonly from: Date; readonly until: Date; readonly limit: number }) {
    const ended = this.#on(time).flatMap(({ id, finishedAt, result }) =>
      finishedAt === null || result === null || result.diskAfterBytes === null ? [] : [{ id, at: finishedAt, freeBytes: result.diskAfterBytes }],
    );
    return ended.slice(0, limit);
  }
}
