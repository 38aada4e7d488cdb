import { Failure } from "#contract/failure.ts";
import type { AttemptCounts, AttemptStore, NotedTry } from "./attempt-store.ts";
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
  /** Bounds how many are looked at at once; without it all are. */
  readonly inTurn?: InTurn | undefined;
}

/**
 * Does this when it is its turn: after what came before with the same key. Known browsers come before everybody else.
 * @throws {Failure} `too_many_attempts` when too many wait already.
 */
export type InTurn = <T>(key: string, work: () => Promise<T>, who: { readonly isKnown: boolean }) => Promise<T>;

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
 * Checks a user name and password. Each try is counted as a failure before its password is looked at, so that of many at once no more
 * are looked at than one after the other, and taken back when it was none. A try while one has to wait does not count again.
 * @throws {Failure} `too_many_attempts`, `credentials_wrong`.
 */
export async function signIn(deps: SignInDeps, input: SignInTry): Promise<User> {
  const { address, device } = input;
  const username = typedUsername(input.username);
  const tried = { ...input, username };
  if (device !== undefined) {
    // Strict, since a device may be stolen; over its limit it is an address like any other, and so never worse off for being known.
    const outcome = await tryAt(deps, tried, { place: `device:${device}`, isKnown: true, waitFor: waitAtDevice });
    if ("user" in outcome) return outcome.user;
  }
  const first = await tryAt(deps, tried, { place: address, isKnown: false, waitFor: waitBeforeSignIn });
  if ("user" in first) return first.user;
  const { counts, waitSeconds } = first;
  // Whoever is refused has to hit the moment before the next guesser does; whoever is held back gets their turn.
  const hasWaited = counts.isFamiliar && (await deps.holdBack?.(`${username}\0${address}`, waitSeconds));
  const second = hasWaited === true ? await tryAt(deps, tried, { place: address, isKnown: false, waitFor: () => 0 }) : first;
  if ("user" in second) return second.user;
  throw new Failure("too_many_attempts", { retryAfterSeconds: second.waitSeconds });
}

function waitAtDevice(counts: AttemptCounts, now: Date): number {
  return waitBeforeSignIn({ ...counts, address: 0, account: 0, isFamiliar: false }, now);
}

/** Where a try is counted, and by which rule. */
interface TryRule {
  readonly place: string;
  readonly isKnown: boolean;
  readonly waitFor: (counts: AttemptCounts, now: Date) => number;
}

/** @throws {Failure} `credentials_wrong`. */
function tryAt(deps: SignInDeps, tried: SignInTry, { place, isKnown, waitFor }: TryRule): Promise<{ readonly user: User } | NotedTry> {
  const { username, address } = tried;
  const work = async (): Promise<{ readonly user: User } | NotedTry> => {
    const at = deps.now();
    const noted = await deps.attempts.noteTry(
      { username, address: place },
      { since: new Date(at.getTime() - attemptWindowMs), at, judge: (counts) => waitFor(counts, at) },
    );
    if (noted.waitSeconds > 0) return noted;
    const found = await deps.users.withPasswordHash(username);
    const matches = await deps.hasher.verify(found?.passwordHash ?? deps.decoyHash, tried.password);
    if (found === null || found.passwordHash === null || !matches || !found.user.isActive) throw new Failure("credentials_wrong");
    const now = deps.now();
    if (place !== address) await deps.attempts.recordSuccess(username, place, now);
    await deps.attempts.recordSuccess(username, address, now);
    return { user: found.user };
  };
  return deps.inTurn === undefined ? work() : deps.inTurn(`${username}\0${place}`, work, { isKnown });
}

/**
 * Counts what is known to be wrong already, as a wrong password is counted.
 * @throws {Failure} `too_many_attempts`, `credentials_wrong`; always.
 */
export async function refuseSignIn(deps: RefusalDeps, who: { readonly username: string; readonly address: string }): Promise<never> {
  const { waitSeconds } = await noteTry(deps, who, waitBeforeSignIn);
  if (waitSeconds > 0) throw new Failure("too_many_attempts", { retryAfterSeconds: waitSeconds });
  throw new Failure("credentials_wrong");
}

/** What refusing somebody needs. */
export type RefusalDeps = Pick<SignInDeps, "attempts" | "now" | "inTurn">;

/** Counts a try without a password to look at, in turn with all others: waiting for each other in the database would take all of its connections. */
export function noteTry(
  deps: RefusalDeps,
  who: { readonly username: string; readonly address: string },
  waitFor: (counts: AttemptCounts, now: Date) => number,
): Promise<NotedTry> {
  const work = (): Promise<NotedTry> => {
    const at = deps.now();
    return deps.attempts.noteTry(who, { since: new Date(at.getTime() - attemptWindowMs), at, judge: (counts) => waitFor(counts, at) });
  };
  return deps.inTurn === undefined ? work() : deps.inTurn(`${who.username}\0${who.address}`, work, { isKnown: false });
}
