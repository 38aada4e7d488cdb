import { sql } from "kysely";
import type { TaskState } from "#contract/task.ts";
import type { OutboxMessage, TaskOutbox } from "#core/tasks/task-outbox.ts";
import type { Database } from "../database.ts";
import { prepare } from "../prepared.ts";

/**
 * Does not wait for the disk at this statement's commit: what a crash takes back here only lets a message be published twice.
 * Two waits for the disk would otherwise stand between a task and its start.
 */
const hurry = "(select set_config('synchronous_commit', 'off', true)) as hurry";

// Both stand between a task and its start, or beside each: planned once.
const takeDue = prepare<OutboxMessage>(`
  update task_outbox set attempts = task_outbox.attempts + 1, due_at = clock_timestamp() + $2 * interval '1 millisecond'
  from (select id from task_outbox where due_at <= clock_timestamp() order by due_at, id limit $1 for update skip locked) as due, ${hurry}
  where task_outbox.id = due.id
  returning task_outbox.id, task_outbox.uid, task_outbox.attempts`);
const removeAll = prepare(`delete from task_outbox using ${hurry} where id = any($1::bigint[])`);

/** Messages that wait for the broker, in PostgreSQL. */
export class PostgresTaskOutbox implements TaskOutbox {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async take({ limit, leaseMs }: { readonly limit: number; readonly leaseMs: number }): Promise<readonly OutboxMessage[]> {
    const rows = await takeDue(this.#db, [limit, leaseMs]);
    return rows.toSorted((one, other) => one.id - other.id);
  }

  async remove(ids: readonly number[]): Promise<void> {
    if (ids.length === 0) return;
    await removeAll(this.#db, [ids]);
  }

  async putBack(ids: readonly number[], afterMs: number): Promise<void> {
    if (ids.length === 0) return;
    await sql`update task_outbox set due_at = ${after(afterMs)} where id = any(${ids}::bigint[])`.execute(this.#db);
  }

  async overdue({ olderThanMs, limit }: { readonly olderThanMs: number; readonly limit: number }): Promise<readonly string[]> {
    const { rows } = await sql<{ readonly uid: string }>`
      select uid from tasks
      where state = 'queued' and run_at <= clock_timestamp() - ${milliseconds(olderThanMs)}
        and not exists (select 1 from task_outbox where task_outbox.uid = tasks.uid)
      order by priority desc, run_at, id limit ${limit}`.execute(this.#db);
    return rows.map((row) => row.uid);
  }

  async size(): Promise<number> {
    const { rows } = await sql<{ readonly count: number }>`select count(*) from task_outbox`.execute(this.#db);
    return rows[0]?.count ?? 0;
  }

  async stateOf(uid: string): Promise<TaskState | null> {
    const { rows } = await sql<{ readonly state: TaskState }>`select state from tasks where uid = ${uid}`.execute(this.#db);
    return rows[0]?.state ?? null;
  }
}

const milliseconds = (count: number) => sql`${count} * interval '1 millisecond'`;
const after = (count: number) => sql`clock_timestamp() + ${milliseconds(count)}`;
