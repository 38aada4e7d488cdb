import { sql } from "kysely";
import type { NewTask, Task } from "#core/tasks/task.ts";
import type { LegacyTaskStore } from "#core/tasks/task-store.ts";
import type { Database } from "../database.ts";
import { isRowUuid } from "../row-id.ts";
import { insertTask } from "./task-changes.ts";
import { type FreeSpace, freeSpaceAfter } from "./task-charts.ts";
import { currentSiteName, taskColumns, taskOf } from "./task-rows.ts";
import { WaitingRoom } from "./waiting-room.ts";

interface Time {
  readonly from: Date;
  readonly until: Date;
}

/** How many rows of a day are held at once. */
const dayBatch = 1_000;

/** Tasks of the home folder as the original's clients see them, in PostgreSQL. */
export class PostgresLegacyTaskStore implements LegacyTaskStore {
  readonly #db: Database;
  readonly #options: { readonly usesBroker: boolean };
  readonly #room = new WaitingRoom();

  constructor(db: Database, options: { readonly usesBroker: boolean }) {
    this.#db = db;
    this.#options = options;
  }

  async create(task: NewTask, limits: { readonly maxWaiting: number }): Promise<{ readonly task: Task; readonly isNew: boolean }> {
    return this.#db.transaction().execute((change) => insertTask(change, task, { ...limits, ...this.#options, room: this.#room }));
  }

  async byId(id: number): Promise<Task | null> {
    if (!Number.isSafeInteger(id)) return null;
    const row = await this.#home().where("tasks.id", "=", id).executeTakeFirst();
    return row === undefined ? null : taskOf(row);
  }

  async byUid(uid: string): Promise<Task | null> {
    if (!isRowUuid(uid)) return null;
    const row = await this.#home().where("tasks.uid", "=", uid).executeTakeFirst();
    return row === undefined ? null : taskOf(row);
  }

  async *onDay(day: Time): AsyncGenerator<readonly Task[]> {
    let after = sql<boolean>`true`;
    for (;;) {
      const rows = await this.#home()
        // As text: a Date has no microseconds, so tasks of one millisecond would come twice or not at all.
        .select(sql<string>`tasks.created_at::text`.as("position"))
        .where(isCreatedIn(day))
        .where(after)
        .orderBy("tasks.createdAt")
        .orderBy("tasks.id")
        .limit(dayBatch)
        .execute();
      yield rows.map(taskOf);
      const last = rows.at(-1);
      if (last === undefined || rows.length < dayBatch) return;
      after = sql<boolean>`(tasks.created_at, tasks.id) > (${last.position}::timestamptz, ${last.id}::bigint)`;
    }
  }

  async countOnDay(day: Time): Promise<number> {
    const { rows } = await sql<{ count: number }>`select count(*) from tasks where ${isHome} and ${isCreatedIn(day)}`.execute(this.#db);
    return rows[0]?.count ?? 0;
  }

  async countPerDay(time: Time): Promise<ReadonlyMap<string, number>> {
    const { rows } = await sql<{ day: string; count: number }>`
      select to_char(created_at at time zone 'UTC', 'YYYY-MM-DD') as day, count(*) from tasks where ${isHome} and ${isCreatedIn(time)} group by 1 order by 1`.execute(
      this.#db,
    );
    return new Map(rows.map(({ day, count }) => [day, count]));
  }

  async freeSpace({ limit, ...time }: Time & { readonly limit: number }): Promise<readonly Omit<FreeSpace, "uid">[]> {
    const points = await freeSpaceAfter(this.#db, sql<boolean>`${isHome} and ${isCreatedIn(time)}`, limit);
    return points.map(({ id, at, freeBytes }) => ({ id, at, freeBytes }));
  }

  #home() {
    return this.#db.selectFrom("tasks").select(taskColumns).select(currentSiteName.as("currentSiteName")).where(isHome);
  }
}

const isHome = sql<boolean>`tasks.site_id is null and tasks.site_name is null`;

function isCreatedIn({ from, until }: Time) {
  return sql<boolean>`tasks.created_at >= ${from} and tasks.created_at < ${until}`;
}
