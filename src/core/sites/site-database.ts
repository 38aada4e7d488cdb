import type { SiteDatabaseState } from "#contract/api/database.ts";

/** What is kept from a site whose database has outgrown its limit: writing unless it insists, or every connection. */
export type DatabaseHold = "open" | "read-only" | "closed";

/** A site's database as it should be. Passwords are sealed. */
export interface SiteDatabase {
  readonly siteId: number;
  /** Unlike that of any other database, so that one of an earlier installation with the same number is not mistaken for it. */
  readonly id: string;
  /** `failed`: it could not be made, and may be added again or deleted. */
  readonly lifecycle: "adding" | "ready" | "deleting" | "failed";
  readonly password: string;
  /** Set while the password is being changed. */
  readonly pendingPassword: string | null;
  readonly hold: DatabaseHold;
  /** Null until it was measured. */
  readonly bytes: number | null;
}

/** Half as much again as its limit: what still writes there does so against the platform's word. */
const closedAbove = 1.5;
/** A database that was held back is let go only somewhat below its limit, so that it does not change with every row. */
const openBelow = 0.95;

/** How a database of this size is held, given how it was held before. */
export function judgeSize(bytes: number, limitBytes: number, before: DatabaseHold): DatabaseHold {
  if (bytes > limitBytes * closedAbove) return "closed";
  if (bytes > limitBytes) return "read-only";
  return before !== "open" && bytes > limitBytes * openBelow ? "read-only" : "open";
}

/** What people are told of a database. */
export function databaseState(database: Pick<SiteDatabase, "lifecycle" | "hold">): SiteDatabaseState {
  if (database.lifecycle !== "ready") return database.lifecycle;
  return database.hold === "open" ? "ready" : database.hold;
}

const reasons: Readonly<Record<SiteDatabaseState, string | null>> = {
  adding: "The database is being made.",
  ready: null,
  "read-only": "The database is over its limit and takes no writes. To delete rows, begin the transaction with BEGIN READ WRITE.",
  closed: "The database is far over its limit, so nobody can connect. Delete it, or ask an administrator for a larger limit.",
  deleting: "The database is being deleted.",
  failed: "The database could not be made. Add it again, or delete it; the last operation says why.",
};

/** Why a database is in this state, in words for people; null when there is nothing to explain. */
export function databaseReason(state: SiteDatabaseState): string | null {
  return reasons[state];
}
