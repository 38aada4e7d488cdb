import type { AuditEntry, AuditStore, KeptAuditEntry } from "#core/audit/audit-store.ts";
import type { Page, PageRequest } from "#core/page.ts";
import type { ActorSite } from "#core/sites/site.ts";
import { cleanJson } from "../clean-text.ts";
import { numberCursor, pageOf } from "../cursor.ts";
import type { Database } from "../database.ts";

/** The audit trail, in PostgreSQL. */
export class PostgresAuditStore implements AuditStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async record(entry: AuditEntry): Promise<void> {
    await this.#db
      .insertInto("auditEntries")
      .values({ ...entry, details: cleanJson(entry.details) })
      .execute();
  }

  async list(request: PageRequest): Promise<Page<KeptAuditEntry>> {
    return this.#page(request, null);
  }

  async listFor(site: ActorSite, request: PageRequest): Promise<Page<KeptAuditEntry>> {
    return this.#page(request, site.id);
  }

  async #page(request: PageRequest, siteId: number | null): Promise<Page<KeptAuditEntry>> {
    const before = numberCursor(request.cursor);
    let query = this.#db
      .selectFrom("auditEntries")
      .selectAll()
      .orderBy("id", "desc")
      .limit(request.limit + 1);
    if (before !== null) query = query.where("id", "<", before);
    if (siteId !== null) query = query.where("siteId", "=", siteId);
    return pageOf(await query.execute(), request.limit, { position: (row) => row.id, item: (row) => row });
  }
}
