import type { UserRole } from "#contract/api/views.ts";
import { Failure } from "#contract/failure.ts";
import { isSiteName } from "#contract/site.ts";
import { checkPassword, type PasswordHasher } from "./password.ts";
import type { User } from "./user.ts";
import type { UserStore } from "./user-store.ts";

/**
 * Adds a person. Their user name obeys the rule of site names: a personal site carries it.
 * @throws {Failure} `username_invalid`, `password_too_weak`, `username_taken`.
 */
export async function createUser(
  deps: { readonly users: UserStore; readonly hasher: PasswordHasher },
  input: { readonly username: string; readonly password: string; readonly role: UserRole },
): Promise<User> {
  if (!isSiteName(input.username)) throw new Failure("username_invalid");
  checkPassword(input.password);
  return deps.users.create({ username: input.username, passwordHash: await deps.hasher.hash(input.password), role: input.role });
}
