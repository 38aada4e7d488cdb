import { sql } from "kysely";
import { endedTaskStates } from "#contract/task.ts";
import type { OldTask, TaskArchive } from "#core/tasks/task-archive.ts";
import type { Database } from "../database.ts";
import { keyLifetime } from "./task-changes.ts";

/** Tasks that ended long ago, in PostgreSQL. */
export class PostgresTaskArchive implements TaskArchive {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async endedLongAgo(request: { readonly olderThanMs: number; readonly limit: number; readonly behind: OldTask | null }): Promise<readonly OldTask[]> {
    const { olderThanMs, limit, behind } = request;
    const isBehind = behind === null ? sql<boolean>`true` : sql<boolean>`(finished_at, uid) > (${behind.endedAt}::timestamptz, ${behind.uid}::uuid)`;
    // As text: a date of JavaScript has no microseconds, and would not be behind itself.
    const { rows } = await sql<OldTask>`
      select uid, attempt, finished_at::text as "endedAt" from tasks
      where finished_at < statement_timestamp() - make_interval(secs => ${olderThanMs / 1000}::double precision)
        and state = any(${[...endedTaskStates]}::text[]) and ${isBehind}
      order by finished_at, uid limit ${limit}`.execute(this.#db);
    return rows;
  }

  async remove(uids: readonly string[]): Promise<void> {
    if (uids.length === 0) return;
    await this.#db
      .deleteFrom("tasks")
      .where("uid", "in", [...uids])
      .where("state", "in", [...endedTaskStates])
      .execute();
  }

  async removeLeftovers(): Promise<void> {
    await this.#db.deleteFrom("taskKeys").where("createdAt", "<", sql<Date>`statement_timestamp() - ${keyLifetime}`).execute();
    // A task that ended may have left one for those that waited for its place: they look by themselves every few seconds.
    await sql`
      delete from task_outbox where created_at < statement_timestamp() - interval '1 minute'
        and not exists (select from tasks where tasks.uid = task_outbox.uid and tasks.state = 'queued')`.execute(this.#db);
  }
}
