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
  /**
   * Holds a try back for these seconds where its wait is short, instead of refusing it; false when too many with this key are held already.
   * Without it everybody who has to wait is refused.
   */
  readonly holdBack?: ((key: string, seconds: number) => Promise<boolean>) | undefined;
}

/** Who tries, and from where. */
export interface SignInTry {
  readonly username: string;
  readonly password: string;
  readonly address: string;
  /** A browser or session that this person signed in with before: failures of others never delay it. */
  readonly device?: string | undefined;
}

/** A user name as it is looked up: people type capitals and spaces. */
export function typedUsername(username: string): string {
  return username.trim().toLowerCase().slice(0, 64);
}

/**
 * Checks a user name and password. The count is taken before the password is looked at, and a try while one has to wait
 * does not count again.
 * @throws {Failure} `too_many_attempts`, `credentials_wrong`.
 */
export async function signIn(deps: SignInDeps, input: SignInTry): Promise<User> {
  const username = typedUsername(input.username);
  const place = await admit(deps, username, input);
  const found = await deps.users.withPasswordHash(username);
  const matches = await deps.hasher.verify(found?.passwordHash ?? deps.decoyHash, input.password);
  const now = deps.now();
  if (found === null || found.passwordHash === null || !matches || !found.user.isActive) {
    await deps.attempts.recordFailure(username, place, now);
    throw new Failure("credentials_wrong");
  }
  if (place !== input.address) await deps.attempts.recordSuccess(username, place, now);
  await deps.attempts.recordSuccess(username, input.address, now);
  return found.user;
}

/** Where a failure of this try is to be counted: at the device that is known, else at the address. */
async function admit(deps: SignInDeps, username: string, { address, device }: SignInTry): Promise<string> {
  const now = deps.now();
  const since = new Date(now.getTime() - attemptWindowMs);
  if (device !== undefined) {
    const place = `device:${device}`;
    const own = await deps.attempts.count(username, place, since);
    // Strict, since a device may be stolen; over its limit it is an address like any other, and so never worse off for being known.
    if (waitBeforeSignIn({ ...own, address: 0, account: 0, isFamiliar: false }, now) === 0) return place;
  }
  const counts = await deps.attempts.count(username, address, since);
  const waitSeconds = waitBeforeSignIn(counts, now);
  if (waitSeconds === 0) return address;
  // Whoever is refused has to hit the moment before the next guesser does; whoever is held back gets their turn.
  const hasWaited = counts.isFamiliar && (await deps.holdBack?.(`${username}\0${address}`, waitSeconds));
  if (hasWaited !== true) throw new Failure("too_many_attempts", { retryAfterSeconds: waitSeconds });
  return address;
}
