import type { AuditInbox, ReportedEntry } from "#core/audit/audit-inbox.ts";
import { cleanJson } from "../clean-text.ts";
import type { Database } from "../database.ts";

/** The way into the audit trail for what others have noted; how far each journal is, is kept among the settings. */
export class PostgresAuditInbox implements AuditInbox {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async through(journal: string): Promise<number> {
    const row = await this.#db.selectFrom("settings").select("value").where("key", "=", keyOf(journal)).executeTakeFirst();
    return Number(row?.value ?? 0);
  }

  async take(piece: {
    readonly journal: string;
    readonly after: number;
    readonly through: number;
    readonly entries: readonly ReportedEntry[];
  }): Promise<boolean> {
    const key = keyOf(piece.journal);
    return this.#db.transaction().execute(async (transaction) => {
      await transaction
        .insertInto("settings")
        .values({ key, value: "0" })
        .onConflict((conflict) => conflict.column("key").doNothing())
        .execute();
      // The row's lock makes two managers take turns; the second finds that the first was there.
      const row = await transaction.selectFrom("settings").select("value").where("key", "=", key).forUpdate().executeTakeFirstOrThrow();
      if (Number(row.value) !== piece.after) return false;
      await transaction
        .updateTable("settings")
        .set({ value: String(piece.through) })
        .where("key", "=", key)
        .execute();
      if (piece.entries.length === 0) return true;
      await transaction
        .insertInto("auditEntries")
        .values(piece.entries.map((entry) => ({ ...entry, details: cleanJson(entry.details) })))
        .execute();
      return true;
    });
  }
}

function keyOf(journal: string): string {
  return `deeds:${journal}`;
}
