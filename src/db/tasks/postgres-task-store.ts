import { sql } from "kysely";
import { Failure } from "#contract/failure.ts";
import type { Actor } from "#core/accounts/user.ts";
import type { AuditEntry } from "#core/audit/audit-store.ts";
import type { Page, PageRequest } from "#core/page.ts";
import type { EarlierAttempt, NewTask, Task } from "#core/tasks/task.ts";
import type { ActorTask, TaskDay, TaskFilter, TaskStore } from "#core/tasks/task-store.ts";
import { cleanText } from "../clean-text.ts";
import { numberCursor, pageOf } from "../cursor.ts";
import type { Database } from "../database.ts";
import { isRowUuid } from "../row-id.ts";
import { visibleTo } from "../sites/postgres-site-store.ts";
import { actorSiteOf } from "../sites/site-rows.ts";
import { Gathered } from "./gathered.ts";
import { insertTasks, type QueuedTask } from "./insert-tasks.ts";
import { cancelTasks, insertTask, isOneStatement, keyLifetime } from "./task-changes.ts";
import { type DaysRequest, freeSpaceAfter, tasksPerDay } from "./task-charts.ts";
import { filtered, isVisibleTo } from "./task-filters.ts";
import { currentSiteName, type TaskRow, taskColumns, taskOf } from "./task-rows.ts";
import { WaitingRoom } from "./waiting-room.ts";

/** Tasks as people see them, in PostgreSQL. */
export class PostgresTaskStore implements TaskStore {
  readonly #db: Database;
  readonly #options: { readonly usesBroker: boolean };
  readonly #room = new WaitingRoom();
  /** Those that come while others are being written are written together: each commit waits for the disk, and each statement costs as much as several tasks. */
  readonly #inserts: Gathered<QueuedTask, ReadonlyMap<string, TaskRow>>;

  constructor(db: Database, options: { readonly usesBroker: boolean }) {
    this.#db = db;
    this.#options = options;
    this.#inserts = new Gathered((queued) => insertTasks(db, queued, options));
  }

  async create(task: NewTask, limits: { readonly maxWaiting: number }, note?: AuditEntry): Promise<{ readonly task: Task; readonly isNew: boolean }> {
    if (!isOneStatement(task)) {
      const admission = { ...limits, ...this.#options, room: this.#room, note };
      return this.#db.transaction().execute((change) => insertTask(change, task, admission));
    }
    await this.#room.demand(this.#db, limits.maxWaiting);
    const row = (await this.#inserts.add({ task, siteName: null, note: note ?? null })).get(task.uid);
    if (row === undefined) throw new Error("a task that was queued was not given back");
    return { task: taskOf(row), isNew: true };
  }

  async forActor(actor: Actor, uid: string): Promise<ActorTask | null> {
    if (!isRowUuid(uid)) return null;
    const rows = await this.#db
      .selectFrom("tasks")
      .select(taskColumns)
      .select(currentSiteName.as("currentSiteName"))
      .where("tasks.uid", "=", uid)
      .where(isVisibleTo(actor))
      .execute();
    return (await this.#withSites(actor, rows))[0] ?? null;
  }

  async byKey(actor: Actor, key: string): Promise<ActorTask | null> {
    const row = await this.#db
      .selectFrom("taskKeys")
      .innerJoin("tasks", "tasks.id", "taskKeys.taskId")
      .select("tasks.uid")
      .where("taskKeys.userId", "=", actor.user.id)
      .where("taskKeys.key", "=", cleanText(key))
      .where("taskKeys.createdAt", ">", sql<Date>`now() - ${keyLifetime}`)
      .executeTakeFirst();
    return row === undefined ? null : this.forActor(actor, row.uid);
  }

  async earlierAttempts(task: Task): Promise<readonly EarlierAttempt[]> {
    return this.#db
      .selectFrom("taskAttempts")
      .select(["attempt", "startedAt", "finishedAt", "runEnd as end", "code", "signal", "reason", "cpuMs", "peakMemoryBytes"])
      .where("taskId", "=", task.id)
      .orderBy("attempt")
      .execute();
  }

  async listFor(actor: Actor, filter: TaskFilter, request: PageRequest): Promise<Page<ActorTask>> {
    const before = numberCursor(request.cursor);
    let query = this.#db
      .selectFrom("tasks")
      .select(taskColumns)
      .select(currentSiteName.as("currentSiteName"))
      .where(isVisibleTo(actor))
      .orderBy("tasks.id", "desc")
      .limit(request.limit + 1);
    if (before !== null) query = query.where("tasks.id", "<", before);
    const rows = await filtered(query, filter).execute();
    const page = pageOf(rows, request.limit, { position: ({ id }) => id, item: (row) => row });
    return { items: await this.#withSites(actor, page.items), next: page.next };
  }

  async requestCancel(task: Task): Promise<Task> {
    return this.#db.transaction().execute(async (change) => {
      await cancelTasks(change, [task.id], null);
      const row = await change
        .selectFrom("tasks")
        .select(taskColumns)
        .select(currentSiteName.as("currentSiteName"))
        .where("tasks.id", "=", task.id)
        .executeTakeFirst();
      if (row === undefined) throw new Failure("task_not_found");
      return taskOf(row);
    });
  }

  async sealedEnvironment(task: Task): Promise<string | null> {
    const row = await this.#db.selectFrom("tasks").select("sealedEnvironment").where("id", "=", task.id).executeTakeFirst();
    return row?.sealedEnvironment ?? null;
  }

  async days(actor: Actor, request: DaysRequest): Promise<readonly TaskDay[]> {
    return tasksPerDay(this.#db, actor, request);
  }

  async disk(
    actor: Actor,
    request: { readonly siteId: number | null; readonly since: Date; readonly until: Date; readonly limit: number },
  ): Promise<readonly { readonly at: Date; readonly uid: string; readonly freeBytes: number }[]> {
    const { siteId, since, until, limit } = request;
    const ofSite = siteId === null ? sql<boolean>`true` : sql<boolean>`tasks.site_id = ${siteId}`;
    const points = await freeSpaceAfter(
      this.#db,
      sql<boolean>`finished_at >= ${since} and finished_at < ${until} and ${ofSite} and ${isVisibleTo(actor)}`,
      limit,
    );
    return points.map(({ at, uid, freeBytes }) => ({ at, uid, freeBytes }));
  }

  /** Each task with its site as this person sees it. Of a site that they were shown out of meanwhile they see nothing more. */
  async #withSites(actor: Actor, rows: readonly TaskRow[]): Promise<ActorTask[]> {
    const ids = [...new Set(rows.flatMap(({ siteId }) => siteId ?? []))];
    const isAdministrator = actor.user.role === "administrator";
    const sites = ids.length === 0 ? [] : await visibleTo(this.#db, actor.user.id, isAdministrator).where("sites.id", "in", ids).execute();
    const byId = new Map(sites.map((row) => [row.id, actorSiteOf(row)]));
    return rows.flatMap((row) => {
      const actorSite = row.siteId === null ? null : (byId.get(row.siteId) ?? null);
      return actorSite === null && !isAdministrator ? [] : [{ ...taskOf(row), actorSite }];
    });
  }
}
