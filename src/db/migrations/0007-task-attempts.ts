import { type Kysely, sql } from "kysely";

/** Earlier attempts keep why they were not the last, and what they used. */
export const taskAttempts = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql.raw("alter table task_attempts add column reason text, add column cpu_ms bigint, add column peak_memory_bytes bigint").execute(db);
  },
};
