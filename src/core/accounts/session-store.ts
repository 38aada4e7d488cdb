import type { User } from "./user.ts";

/** Browser sessions. Only the sha256 of a session's secret is stored (hex), as its id. */
export interface SessionStore {
  /** False, and nothing is kept, when the person has another epoch by now or may not sign in any more. */
  create(input: {
    readonly id: string;
    /** As they were when their password was looked at. */
    readonly user: Pick<User, "id" | "epoch">;
    readonly createdAt: Date;
    readonly expiresAt: Date;
    readonly address: string | null;
    readonly userAgent: string | null;
  }): Promise<boolean>;
  /** The active person behind a session that has not expired. */
  find(id: string, now: Date): Promise<{ readonly user: User; readonly lastSeenAt: Date; readonly expiresAt: Date } | null>;
  /** Notes that the session was used, and moves its end. */
  touch(id: string, seenAt: Date, expiresAt: Date): Promise<void>;
  delete(id: string): Promise<void>;
  deleteExpired(now: Date): Promise<number>;
}
