import type { UserRole } from "#contract/api/views.ts";
import type { TokenScope } from "#contract/token-scope.ts";

/** A person. */
export interface User {
  readonly id: number;
  readonly username: string;
  readonly role: UserRole;
  readonly isActive: boolean;
  /** Grows when password, role or access change; grants of an earlier epoch are refused. */
  readonly epoch: number;
  readonly createdAt: Date;
}

/** By which way a person came in; the audit trail keeps it. */
export type Door = "web" | "api" | "cli" | "ftp" | "ssh" | "sftp";

/** Someone who is asking for something, right now, through one door. */
export interface Actor {
  readonly user: User;
  /** What the API token allows; a browser session has `full`. */
  readonly scopes: readonly TokenScope[];
  readonly door: Door;
  readonly address: string | null;
}
