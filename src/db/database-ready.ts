import type { Database } from "./database.ts";

/** For `/readyz`: whether the database answers; a text says that it does not. */
export async function isDatabaseThere(db: Database): Promise<true | string> {
  try {
    await db.selectFrom("settings").select("key").limit(1).execute();
    return true;
  } catch {
    return "the database does not answer";
  }
}
