import { sql } from "kysely";
import { Failure } from "#contract/failure.ts";
import { isSiteName } from "#contract/site.ts";
import type { User } from "#core/accounts/user.ts";
import type { UserChanges, UserStore } from "#core/accounts/user-store.ts";
import type { Page, PageRequest } from "#core/page.ts";
import { cleanText } from "../clean-text.ts";
import { pageOf, textCursor } from "../cursor.ts";
import type { Database } from "../database.ts";
import { violates } from "../database-error.ts";
import { type Change, notifyEpochs } from "../notifications.ts";
import { isRowNumber } from "../row-id.ts";
import { userColumns, userOf } from "./user-rows.ts";

/** People, in PostgreSQL. */
export class PostgresUserStore implements UserStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async create(input: Parameters<UserStore["create"]>[0]): Promise<User> {
    try {
      return await this.#db
        .insertInto("users")
        .values({ username: input.username, passwordHash: input.passwordHash, role: input.role })
        .returning(userColumns)
        .executeTakeFirstOrThrow();
    } catch (error) {
      if (violates(error, "users_username_unique")) throw new Failure("username_taken", { username: input.username }, { cause: error });
      throw error;
    }
  }

  async byUsername(username: string): Promise<User | null> {
    return (await this.withPasswordHash(username))?.user ?? null;
  }

  async byNumber(id: number): Promise<User | null> {
    if (!isRowNumber(id)) return null;
    const row = await this.#db.selectFrom("users").select(userColumns).where("id", "=", id).executeTakeFirst();
    return row === undefined ? null : userOf(row);
  }

  async withPasswordHash(username: string): Promise<{ readonly user: User; readonly passwordHash: string | null } | null> {
    // Nobody can have another kind of name, and some texts cannot even be asked for (NUL).
    if (!isSiteName(username)) return null;
    const row = await this.#db
      .selectFrom("users")
      .select([...userColumns, "passwordHash"])
      .where("username", "=", username)
      .executeTakeFirst();
    return row === undefined ? null : { user: userOf(row), passwordHash: row.passwordHash };
  }

  async list(request: PageRequest & { readonly search?: string | undefined }): Promise<Page<User>> {
    const after = textCursor(request.cursor);
    let query = this.#db
      .selectFrom("users")
      .select(userColumns)
      .orderBy("username")
      .limit(request.limit + 1);
    if (after !== null) query = query.where("username", ">", after);
    if (request.search !== undefined) query = query.where(sql<boolean>`strpos(username, ${cleanText(request.search).toLowerCase()}) > 0`);
    return pageOf(await query.execute(), request.limit, { position: (row) => row.username, item: userOf });
  }

  async update(id: number, changes: UserChanges): Promise<User> {
    if (!isRowNumber(id)) throw new Failure("user_not_found");
    return this.#db.transaction().execute(async (change) => {
      await lockAdministrators(change);
      const before = await change.selectFrom("users").select(["role", "isActive", "epoch"]).where("id", "=", id).forNoKeyUpdate().executeTakeFirst();
      if (before === undefined) throw new Failure("user_not_found");
      if (changes.epoch !== undefined && changes.epoch !== before.epoch) throw new Failure("credentials_wrong");
      const role = changes.role ?? before.role;
      const isActive = changes.isActive ?? before.isActive;
      const isSame = role === before.role && isActive === before.isActive;
      const password = changes.passwordHash === undefined ? {} : { passwordHash: changes.passwordHash };
      const epoch = isSame && changes.passwordHash === undefined ? {} : { epoch: sql<number>`epoch + 1`, epochChangedAt: sql<Date>`now()` };
      const user = await change
        .updateTable("users")
        .set({ role, isActive, ...password, ...epoch })
        .where("id", "=", id)
        .returning(userColumns)
        .executeTakeFirstOrThrow();
      if ("epoch" in epoch) await this.#withdraw(change, user, changes.keepSession);
      const wasAdministrator = before.role === "administrator" && before.isActive;
      if (wasAdministrator && !(role === "administrator" && isActive)) await demandAdministrator(change);
      if (!isSame) await tellOrchestrator(change, user);
      return userOf(user);
    });
  }

  async hasAdministrator(): Promise<boolean> {
    const row = await this.#db
      .selectFrom("users")
      .select("id")
      .where("role", "=", "administrator")
      .where("isActive", "=", true)
      .where("passwordHash", "is not", null)
      .limit(1)
      .executeTakeFirst();
    return row !== undefined;
  }

  async #withdraw(change: Change, user: User, keepSession: string | undefined): Promise<void> {
    let sessions = change.deleteFrom("sessions").where("userId", "=", user.id);
    if (keepSession !== undefined) sessions = sessions.where("id", "!=", keepSession);
    await sessions.execute();
    await notifyEpochs(change, { users: [[user.id, user.epoch]] });
  }
}

async function demandAdministrator(change: Change): Promise<void> {
  const left = await change.selectFrom("users").select("id").where("role", "=", "administrator").where("isActive", "=", true).limit(1).executeTakeFirst();
  if (left === undefined) throw new Failure("last_administrator");
}

/** Whether a site's program may run where sites cannot be isolated hangs on its owners: their sites get another revision. */
async function tellOrchestrator(change: Change, user: User): Promise<void> {
  await change
    .updateTable("sites")
    .set({ revision: sql<number>`revision + 1` })
    .where("id", "in", change.selectFrom("siteMembers").select("siteId").where("userId", "=", user.id).where("role", "=", "owner"))
    .execute();
}

/** Two administrators who demote each other at the same moment must not both succeed: changes of people take turns. */
async function lockAdministrators(change: Change): Promise<void> {
  await change.selectFrom("users").select("id").where("role", "=", "administrator").orderBy("id").forNoKeyUpdate().execute();
}
