import { Failure } from "#contract/failure.ts";
import type { Door } from "#core/accounts/user.ts";
import type { AuditStore } from "#core/audit/audit-store.ts";

/** Who was not let in, and where. */
export interface RefusedSignIn {
  readonly username: string;
  readonly door: Door;
  readonly address: string;
}

/** Notes in the audit trail that somebody was refused. Those who have to wait are not noted: the trail would grow as fast as somebody can knock. */
export async function noteFailedSignIn(audit: AuditStore, error: unknown, { username, door, address }: RefusedSignIn): Promise<void> {
  if (!(error instanceof Failure) || error.code === "too_many_attempts" || error.status >= 500) return;
  const entry = { actorId: null, actorName: username.slice(0, 64), action: "session.failed", siteId: null, siteName: null };
  await audit.record({ ...entry, door, address, details: { door } });
}
