import type { AuditEntry } from "./audit-store.ts";

/** What was done elsewhere, with the time when it was. */
export interface ReportedEntry extends AuditEntry {
  readonly at: Date;
}

/** Takes what other components have noted into the audit trail, each piece once. */
export interface AuditInbox {
  /** Up to where a journal was taken over; 0 when nothing of it was. */
  through(journal: string): Promise<number>;
  /** Takes the next piece over, unless somebody else has; says whether it did. */
  take(piece: { readonly journal: string; readonly after: number; readonly through: number; readonly entries: readonly ReportedEntry[] }): Promise<boolean>;
}
