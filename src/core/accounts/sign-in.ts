import { Failure } from "#contract/failure.ts";
import type { AttemptStore } from "./attempt-store.ts";
import type { PasswordHasher } from "./password.ts";
import { attemptWindowMs, waitBeforeSignIn } from "./rate-limit.ts";
import type { User } from "./user.ts";
import type { UserStore } from "./user-store.ts";

/** What signing in needs. */
export interface SignInDeps {
  readonly users: UserStore;
  readonly attempts: AttemptStore;
  readonly hasher: PasswordHasher;
  readonly now: () => Date;
  /** A hash of no one's password: unknown names take as long as known ones. */
  readonly decoyHash: string;
}

/**
 * Checks a user name and password. The count is taken before the password is looked at, and a try while one has to wait
 * does not count again.
 * @throws {Failure} `too_many_attempts`, `credentials_wrong`.
 */
export async function signIn(deps: SignInDeps, input: { readonly username: string; readonly password: string; readonly address: string }): Promise<User> {
  const username = input.username.trim().toLowerCase().slice(0, 64);
  const now = deps.now();
  const counts = await deps.attempts.count(username, input.address, new Date(now.getTime() - attemptWindowMs));
  const waitSeconds = waitBeforeSignIn(counts, now);
  if (waitSeconds > 0) throw new Failure("too_many_attempts", { retryAfterSeconds: waitSeconds });
  const found = await deps.users.withPasswordHash(username);
  const matches = await deps.hasher.verify(found?.passwordHash ?? deps.decoyHash, input.password);
  if (found === null || found.passwordHash === null || !matches || !found.user.isActive) {
    await deps.attempts.recordFailure(username, input.address, now);
    throw new Failure("credentials_wrong");
  }
  await deps.attempts.recordSuccess(username, input.address, now);
  return found.user;
}
