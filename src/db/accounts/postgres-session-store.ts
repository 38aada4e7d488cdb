import type { SessionStore } from "#core/accounts/session-store.ts";
import type { User } from "#core/accounts/user.ts";
import { cleanText } from "../clean-text.ts";
import type { Database } from "../database.ts";
import { holdPerson } from "./hold-person.ts";
import { userColumns, userOf } from "./user-rows.ts";

/** Browser sessions, in PostgreSQL. */
export class PostgresSessionStore implements SessionStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async create({ user, ...input }: Parameters<SessionStore["create"]>[0]): Promise<boolean> {
    const userAgent = input.userAgent === null ? null : cleanText(input.userAgent).slice(0, 500);
    return this.#db.transaction().execute(async (change) => {
      if (!(await holdPerson(change, user))) return false;
      await change
        .insertInto("sessions")
        .values({ ...input, userId: user.id, lastSeenAt: input.createdAt, userAgent })
        .execute();
      return true;
    });
  }

  async find(id: string, now: Date): Promise<{ readonly user: User; readonly lastSeenAt: Date; readonly expiresAt: Date } | null> {
    const row = await this.#db
      .selectFrom("sessions")
      .innerJoin("users", "users.id", "sessions.userId")
      .select([...userColumns, "sessions.lastSeenAt", "sessions.expiresAt"])
      .where("sessions.id", "=", id)
      .where("sessions.expiresAt", ">", now)
      .where("users.isActive", "=", true)
      .executeTakeFirst();
    return row === undefined ? null : { user: userOf(row), lastSeenAt: row.lastSeenAt, expiresAt: row.expiresAt };
  }

  async touch(id: string, seenAt: Date, expiresAt: Date): Promise<void> {
    await this.#db.updateTable("sessions").set({ lastSeenAt: seenAt, expiresAt }).where("id", "=", id).execute();
  }

  async delete(id: string): Promise<void> {
    await this.#db.deleteFrom("sessions").where("id", "=", id).execute();
  }

  async deleteExpired(now: Date): Promise<number> {
    const { numDeletedRows } = await this.#db.deleteFrom("sessions").where("expiresAt", "<=", now).executeTakeFirst();
    return Number(numDeletedRows);
  }
}
