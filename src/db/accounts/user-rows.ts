import type { User } from "#core/accounts/user.ts";

/** The columns of a person as others see them. */
export const userColumns = ["users.id", "users.username", "users.role", "users.isActive", "users.epoch", "users.createdAt"] as const;

/** A person out of a row that may hold more. */
export function userOf(row: User): User {
  return { id: row.id, username: row.username, role: row.role, isActive: row.isActive, epoch: row.epoch, createdAt: row.createdAt };
}
