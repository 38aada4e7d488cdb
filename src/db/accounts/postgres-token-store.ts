import type { ApiToken, TokenStore } from "#core/accounts/token-store.ts";
import type { User } from "#core/accounts/user.ts";
import { cleanText } from "../clean-text.ts";
import type { Database } from "../database.ts";
import { prepare } from "../prepared.ts";
import { isRowUuid } from "../row-id.ts";
import { holdPerson } from "./hold-person.ts";
import { userOf } from "./user-rows.ts";

type FoundToken = User & Omit<ApiToken, "id" | "createdAt"> & { readonly tokenId: string; readonly tokenCreatedAt: Date };

// Asked at every request of a program.
const findToken = prepare<FoundToken>(`
  select users.id, users.username, users.role, users.is_active, users.epoch, users.created_at, token.id as token_id, token.name, token.scopes,
    token.created_at as token_created_at, token.expires_at, token.last_used_at
  from api_tokens as token join users on users.id = token.user_id
  where token.secret_hash = $1 and (token.expires_at is null or token.expires_at > $2) and users.is_active`);

const tokenColumns = ["id", "name", "scopes", "createdAt", "expiresAt", "lastUsedAt"] as const;

/** API tokens, in PostgreSQL. */
export class PostgresTokenStore implements TokenStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async create({ user, ...input }: Parameters<TokenStore["create"]>[0]): Promise<ApiToken | null> {
    return this.#db.transaction().execute(async (change) => {
      if (!(await holdPerson(change, user))) return null;
      return change
        .insertInto("apiTokens")
        .values({ ...input, userId: user.id, name: cleanText(input.name), scopes: [...input.scopes] })
        .returning(tokenColumns)
        .executeTakeFirstOrThrow();
    });
  }

  async find(secretHash: string, now: Date): Promise<{ readonly user: User; readonly token: ApiToken } | null> {
    const [row] = await findToken(this.#db, [secretHash, now]);
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
