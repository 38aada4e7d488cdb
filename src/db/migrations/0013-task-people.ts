import { type Kysely, sql } from "kysely";

/** How many tasks of a person wait in sites is asked whenever another one is queued there. */
export const taskPeople = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`create index tasks_person_waiting on tasks (created_by_id) where state = 'queued' and site_name is not null`.execute(db);
  },
};
