import type { Door } from "../accounts/user.ts";
import type { Page, PageRequest } from "../page.ts";
import type { ActorSite } from "../sites/site.ts";

/** Something that was done, for people to read later. */
export interface AuditEntry {
  readonly actorId: number | null;
  /** Kept by name too: it stays readable when the person is gone. */
  readonly actorName: string | null;
  readonly door: Door | "system";
  readonly address: string | null;
  /** `noun.verb`: `session.create`, `files.delete`. */
  readonly action: string;
  readonly siteId: number | null;
  readonly siteName: string | null;
  readonly details: Readonly<Record<string, unknown>>;
}

/** An entry as it is kept. */
export interface KeptAuditEntry extends AuditEntry {
  readonly id: number;
  readonly at: Date;
}

/** The audit trail: only ever added to. */
export interface AuditStore {
  record(entry: AuditEntry): Promise<void>;
  /** Newest first. */
  list(request: PageRequest): Promise<Page<KeptAuditEntry>>;
  listFor(site: ActorSite, request: PageRequest): Promise<Page<KeptAuditEntry>>;
}
