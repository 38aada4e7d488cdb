import type { UserRole } from "#contract/api/views.ts";
import type { Page, PageRequest } from "../page.ts";
import type { User } from "./user.ts";

/** Changes of a person. A change of password, role or access grows the epoch and ends their sessions, in the same transaction. */
export interface UserChanges {
  readonly role?: UserRole | undefined;
  readonly passwordHash?: string | undefined;
  readonly isActive?: boolean | undefined;
  /** The session that is kept when the others end: the one that asked for the change. */
  readonly keepSession?: string | undefined;
  /** The epoch under which the current password was found right: nothing changes when it is another one by now. */
  readonly epoch?: number | undefined;
}

/** People. */
export interface UserStore {
  /** @throws {Failure} `username_taken`. */
  create(input: { readonly username: string; readonly passwordHash: string | null; readonly role: UserRole }): Promise<User>;
  byUsername(username: string): Promise<User | null>;
  byNumber(id: number): Promise<User | null>;
  /** For sign-in only; inactive people too. */
  withPasswordHash(username: string): Promise<{ readonly user: User; readonly passwordHash: string | null } | null>;
  /** By user name. */
  list(request: PageRequest & { readonly search?: string | undefined }): Promise<Page<User>>;
  /** @throws {Failure} `last_administrator` when no active administrator would be left; `user_not_found`; `credentials_wrong` for another epoch. */
  update(id: number, changes: UserChanges): Promise<User>;
  /** Whether anyone can sign in as administrator yet. */
  hasAdministrator(): Promise<boolean>;
}
