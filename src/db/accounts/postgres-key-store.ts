import { sql } from "kysely";
import { Failure } from "#contract/failure.ts";
import type { KeyStore, SshKey } from "#core/accounts/key-store.ts";
import type { User } from "#core/accounts/user.ts";
import { cleanText } from "../clean-text.ts";
import type { Database } from "../database.ts";
import { violates } from "../database-error.ts";
import { isRowUuid } from "../row-id.ts";
import { holdPerson } from "./hold-person.ts";
import { userColumns, userOf } from "./user-rows.ts";

const keyColumns = ["id", "title", "algorithm", "bits", "fingerprint", "createdAt", "lastUsedAt"] as const;

/** People's public keys, in PostgreSQL. */
export class PostgresKeyStore implements KeyStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async create({ id, user, ...input }: Parameters<KeyStore["create"]>[0]): Promise<SshKey | null> {
    const { algorithm, bits, fingerprint, blob } = input.key;
    const title = cleanText(input.title);
    try {
      return await this.#db.transaction().execute(async (change) => {
        if (!(await holdPerson(change, user))) return null;
        return change
          .insertInto("sshKeys")
          .values({ id, userId: user.id, title, algorithm, bits, fingerprint, blob })
          .returning(keyColumns)
          .executeTakeFirstOrThrow();
      });
    } catch (error) {
      if (violates(error, "ssh_keys_once_a_person")) throw new Failure("key_taken", { title }, { cause: error });
      throw error;
    }
  }

  async list(userId: number): Promise<readonly SshKey[]> {
    return this.#db.selectFrom("sshKeys").select(keyColumns).where("userId", "=", userId).orderBy("createdAt").orderBy("id").execute();
  }

  async find(username: string, fingerprint: string): Promise<{ readonly user: User; readonly key: SshKey } | null> {
    const row = await this.#db
      .selectFrom("sshKeys as key")
      .innerJoin("users", "users.id", "key.userId")
      .select(userColumns)
      .select(["key.id as keyId", "key.title", "key.algorithm", "key.bits", "key.createdAt as keyCreatedAt", "key.lastUsedAt"])
      .where("users.username", "=", username)
      .where("key.fingerprint", "=", fingerprint)
      .where("users.isActive", "=", true)
      .executeTakeFirst();
    if (row === undefined) return null;
    const { keyId: id, title, algorithm, bits, keyCreatedAt: createdAt, lastUsedAt } = row;
    return { user: userOf(row), key: { id, title, algorithm, bits, fingerprint, createdAt, lastUsedAt } };
  }

  async has(userId: number, id: string): Promise<boolean> {
    const row = await this.#db.selectFrom("sshKeys").select("id").where("id", "=", id).where("userId", "=", userId).executeTakeFirst();
    return row !== undefined;
  }

  async delete(user: Pick<User, "id" | "epoch">, id: string): Promise<boolean> {
    if (!isRowUuid(id)) return false;
    return this.#db.transaction().execute(async (transaction) => {
      const { numDeletedRows } = await transaction.deleteFrom("sshKeys").where("id", "=", id).where("userId", "=", user.id).executeTakeFirst();
      if (numDeletedRows === 0n) return false;
      // No epoch grows, since other sessions go on; but every manager tells its doors to look again.
      await sql`select pg_notify('epochs', ${JSON.stringify({ sites: [], users: [[user.id, user.epoch]] })})`.execute(transaction);
      return true;
    });
  }

  async touch(id: string, usedAt: Date): Promise<void> {
    await this.#db.updateTable("sshKeys").set({ lastUsedAt: usedAt }).where("id", "=", id).execute();
  }
}
