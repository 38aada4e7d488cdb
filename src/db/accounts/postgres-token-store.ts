import type { ApiToken, TokenStore } from "#core/accounts/token-store.ts";
import type { User } from "#core/accounts/user.ts";
import { cleanText } from "../clean-text.ts";
import type { Database } from "../database.ts";
import { isRowUuid } from "../row-id.ts";
import { userColumns, userOf } from "./user-rows.ts";

const tokenColumns = ["id", "name", "scopes", "createdAt", "expiresAt", "lastUsedAt"] as const;

/** API tokens, in PostgreSQL. */
export class PostgresTokenStore implements TokenStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async create(input: Parameters<TokenStore["create"]>[0]): Promise<ApiToken> {
    return this.#db
      .insertInto("apiTokens")
      .values({ ...input, name: cleanText(input.name), scopes: [...input.scopes] })
      .returning(tokenColumns)
      .executeTakeFirstOrThrow();
  }

  async find(secretHash: string, now: Date): Promise<{ readonly user: User; readonly token: ApiToken } | null> {
    const row = await this.#db
      .selectFrom("apiTokens as token")
      .innerJoin("users", "users.id", "token.userId")
      .select(userColumns)
      .select(["token.id as tokenId", "token.name", "token.scopes", "token.createdAt as tokenCreatedAt", "token.expiresAt", "token.lastUsedAt"])
      .where("token.secretHash", "=", secretHash)
      .where((has) => has.or([has("token.expiresAt", "is", null), has("token.expiresAt", ">", now)]))
      .where("users.isActive", "=", true)
      .executeTakeFirst();
    if (row === undefined) return null;
    const { tokenId: id, name, scopes, tokenCreatedAt: createdAt, expiresAt, lastUsedAt } = row;
    return { user: userOf(row), token: { id, name, scopes, createdAt, expiresAt, lastUsedAt } };
  }

  async list(userId: number): Promise<readonly ApiToken[]> {
    return this.#db.selectFrom("apiTokens").select(tokenColumns).where("userId", "=", userId).orderBy("createdAt").orderBy("id").execute();
  }

  async delete(userId: number, id: string): Promise<boolean> {
    if (!isRowUuid(id)) return false;
    const { numDeletedRows } = await this.#db.deleteFrom("apiTokens").where("id", "=", id).where("userId", "=", userId).executeTakeFirst();
    return numDeletedRows > 0n;
  }

  async touch(id: string, usedAt: Date): Promise<void> {
    await this.#db.updateTable("apiTokens").set({ lastUsedAt: usedAt }).where("id", "=", id).execute();
  }
}
