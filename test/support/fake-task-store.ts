import { Failure } from "#contract/failure.ts";
import type { Actor } from "#core/accounts/user.ts";
import type { Page, PageRequest } from "#core/page.ts";
import type { ActorSite } from "#core/sites/site.ts";
import type { EarlierAttempt, NewTask, Task } from "#core/tasks/task.ts";
import type { ActorTask, TaskDay, TaskFilter, TaskStore } from "#core/tasks/task-store.ts";

/** Tasks in memory, for tests of what stands on the store; the tests of the store itself run against PostgreSQL. */
export class FakeTaskStore implements TaskStore {
  readonly rows: Task[] = [];
  readonly created: NewTask[] = [];
  /** Called after each change, with the uid: the notification. */
  onChange: (uid: string) => void = () => undefined;
  readonly #siteFor: (actor: Actor, id: number) => ActorSite | null;

  constructor(siteFor: (actor: Actor, id: number) => ActorSite | null) {
    this.#siteFor = siteFor;
  }

  async create(task: NewTask, limits: { readonly maxWaiting: number }): Promise<{ readonly task: Task; readonly isNew: boolean }> {
    const waiting = this.rows.filter((row) => row.state === "queued").length;
    const earlier = task.idempotencyKey === null ? undefined : this.rows.find((row) => row.idempotencyKey === task.idempotencyKey);
    if (earlier !== undefined) {
      if (JSON.stringify(earlier.program) !== JSON.stringify(task.program)) throw new Failure("idempotency_conflict");
      return { task: earlier, isNew: false };
    }
    if (waiting >= limits.maxWaiting) throw new Failure("task_limit_reached", { count: waiting });
    this.created.push(task);
    const row = rowOf(task, this.rows.length + 1);
    this.rows.push(row);
    return { task: row, isNew: true };
  }

  /** Changes a task as a worker would. */
  change(uid: string, changes: Partial<Task>): void {
    const index = this.rows.findIndex((row) => row.uid === uid);
    const row = this.rows[index];
    if (row === undefined) throw new Error(`no task ${uid}`);
    this.rows[index] = { ...row, ...changes };
    this.onChange(uid);
  }

  async forActor(actor: Actor, uid: string): Promise<ActorTask | null> {
    const row = this.rows.find((each) => each.uid === uid);
    return row === undefined ? null : this.#seen(actor, row);
  }

  async byKey(actor: Actor, key: string): Promise<ActorTask | null> {
    const row = this.rows.find((each) => each.idempotencyKey === key && each.createdBy?.id === actor.user.id);
    return row === undefined ? null : this.#seen(actor, row);
  }

  async earlierAttempts(): Promise<readonly EarlierAttempt[]> {
    return [];
  }

  async listFor(actor: Actor, filter: TaskFilter, request: PageRequest): Promise<Page<ActorTask>> {
    const items = this.rows
      .toReversed()
      .filter((row) => filter.siteId === undefined || row.site?.id === filter.siteId)
      .filter((row) => filter.isHome === undefined || (row.site === null) === filter.isHome)
      .filter((row) => filter.states === undefined || filter.states.includes(row.state))
      .flatMap((row) => this.#seen(actor, row) ?? []);
    return { items: items.slice(0, request.limit), next: null };
  }

  async requestCancel(task: Task): Promise<Task> {
    const isWaiting = task.state === "queued";
    this.change(task.uid, isWaiting ? { state: "cancelled", finishedAt: new Date() } : { cancelRequestedAt: new Date() });
    return this.rows.find((row) => row.uid === task.uid) ?? task;
  }

  async sealedEnvironment(task: Task): Promise<string | null> {
    return this.created.find((each) => each.uid === task.uid)?.sealedEnvironment ?? null;
  }

  async days(): Promise<readonly TaskDay[]> {
    return [];
  }

  async disk(): Promise<readonly { readonly at: Date; readonly uid: string; readonly freeBytes: number }[]> {
    return [];
  }

  #seen(actor: Actor, row: Task): ActorTask | null {
    if (row.site === null) return actor.user.role === "administrator" ? { ...row, actorSite: null } : null;
    const actorSite = row.site.id === null ? null : this.#siteFor(actor, row.site.id);
    return actorSite === null && actor.user.role !== "administrator" ? null : { ...row, actorSite };
  }
}

function rowOf(task: NewTask, id: number): Task {
  return {
    id,
    uid: task.uid,
    state: "queued",
    reason: null,
    site: task.siteId === null ? null : { id: task.siteId, name: `site${task.siteId}` },
    program: task.program,
    arguments: task.arguments,
    legacy: task.legacy,
    environmentNames: task.environmentNames,
    priority: task.priority,
    retry: task.retry,
    limits: task.limits,
    attempt: 0,
    createdBy: task.createdById === null ? null : { id: task.createdById, username: `user${task.createdById}` },
    schedule: null,
    rerunOf: task.rerunOf,
    idempotencyKey: task.idempotencyKey,
    createdAt: new Date(),
    runAt: task.runAt ?? new Date(),
    startedAt: null,
    finishedAt: null,
    cancelRequestedAt: null,
    result: null,
  };
}
