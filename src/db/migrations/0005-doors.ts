import { type Kysely, sql } from "kysely";

/** The audit trail knows the doors beside the dashboard. */
export const doors = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql.raw("alter table audit_entries drop constraint audit_entries_door_check").execute(db);
    await sql
      .raw("alter table audit_entries add constraint audit_entries_door_check check (door in ('web', 'api', 'cli', 'system', 'ftp', 'ssh', 'sftp'))")
      .execute(db);
  },
};
