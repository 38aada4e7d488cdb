import ssh2 from "ssh2";
import { Failure } from "#contract/failure.ts";
import { scopeAllows, type TokenScope } from "#contract/token-scope.ts";
import type { KeyStore } from "#core/accounts/key-store.ts";
import { readBlob } from "#core/accounts/public-key.ts";
import { attemptWindowMs, waitBeforeKey } from "#core/accounts/rate-limit.ts";
import { noteTry, refuseSignIn, type SignInDeps, signIn, typedUsername } from "#core/accounts/sign-in.ts";
import { signInByToken } from "#core/accounts/sign-in-by-token.ts";
import { readSignedRequest } from "#core/accounts/signed-request.ts";
import type { TokenStore } from "#core/accounts/token-store.ts";
import type { User } from "#core/accounts/user.ts";
import { hashOf } from "../session-cookie.ts";

/** What knowing somebody at a door needs. */
export interface DoorSignInDeps extends Omit<SignInDeps, "now"> {
  readonly tokens: TokenStore;
  readonly keys: KeyStore;
}

/** What a session at a door may be used for. */
export type DoorUse = "files" | "shell";

/** Somebody who was known, and by what: the session ends with it. */
export interface KnownPerson {
  readonly user: User;
  /** sha256 of the API token. */
  readonly token: string | null;
  /** Number of the public key. */
  readonly key: string | null;
}

/** What a key sign-in brings along. */
export interface KeyProof {
  /** As it was typed: `USER/SITE`. */
  readonly account: string;
  readonly username: string;
  readonly key: Buffer;
  readonly signed: Buffer;
  readonly signature: Buffer;
  readonly address: string;
}

/** What each API token may be used for at a door. */
export function usesOf(scopes: readonly TokenScope[]): readonly DoorUse[] {
  return (["files", "shell"] as const).filter((use) => scopeAllows(scopes, use));
}

/**
 * Knows somebody by password, or by an API token in its place.
 * @throws {Failure} `credentials_wrong`, `too_many_attempts`, `scope_too_small`.
 */
export async function knowBySecret(
  deps: DoorSignInDeps,
  input: { readonly username: string; readonly password: string; readonly address: string; readonly door: "ftp" | "ssh" | "sftp" },
): Promise<KnownPerson> {
  const timed = { ...deps, now: () => new Date() };
  if (!input.password.startsWith("blt_")) return { user: await signIn(timed, input), token: null, key: null };
  const token = hashOf(input.password);
  const found = await signInByToken(timed, { username: input.username, secretHash: token, address: input.address });
  const uses = usesOf(found.scopes);
  if (uses.length === 0 || (input.door === "ftp" && !uses.includes("files"))) throw new Failure("scope_too_small", { scope: "files" });
  return { user: found.user, token, key: null };
}

/** What a failure is caused by that needs no entry of its own in the audit trail: one more of the keys that somebody's agent holds. */
export const anotherKey = new Error("another key of the same client that is not the account's");

/**
 * Knows somebody by a signature with a key of theirs. What was signed has to be this very request to sign in, so that neither a door nor
 * anybody else makes use of a signature that was given for something else. A right key is never refused because of what others tried.
 * @throws {Failure} `credentials_wrong`, `too_many_attempts`.
 */
export async function knowByKey(deps: DoorSignInDeps, proof: KeyProof): Promise<KnownPerson> {
  const username = typedUsername(proof.username);
  const now = new Date();
  const fingerprint = provenKey(proof);
  // No client of good will sends a signature that is not its key's: it counts as a wrong password does.
  if (fingerprint === null) return refuseSignIn({ ...deps, now: () => now }, { username, address: proof.address });
  const found = await deps.keys.find(username, fingerprint);
  if (found === null) return refuseKey(deps, username, proof.address);
  await deps.attempts.recordSuccess(username, proof.address, now);
  await deps.keys.touch(found.key.id, now);
  return { user: found.user, token: null, key: found.key.id };
}

// Clients try one key of theirs after another: a count of its own keeps that from being held against the person's password.
async function refuseKey(deps: DoorSignInDeps, username: string, address: string): Promise<never> {
  const now = new Date();
  const [account, place] = [`key of ${username}`, `key from ${address}`];
  const { counts, waitSeconds } = await noteTry({ ...deps, now: () => now }, { username: account, address: place }, waitBeforeKey);
  if (waitSeconds > 0) {
    // Where the account signs in from it is its own agent that offers so many, at each connection anew.
    const isOwn = (await deps.attempts.count(username, address, windowBefore(now))).isFamiliar;
    if (!isOwn) throw new Failure("too_many_attempts", { retryAfterSeconds: waitSeconds });
    await deps.attempts.recordFailure(account, place, now);
  }
  throw new Failure("credentials_wrong", {}, counts.pair === 0 ? {} : { cause: anotherKey });
}

function windowBefore(now: Date): Date {
  return new Date(now.getTime() - attemptWindowMs);
}

/** RFC 8332: an RSA key signs by one of these, never by SHA-1. */
const rsaHashes: Readonly<Record<string, string>> = { "rsa-sha2-256": "sha256", "rsa-sha2-512": "sha512" };

/** The fingerprint of the key that signed; null when it did not, or signed something else. */
export function provenKey(proof: KeyProof): string | null {
  const request = readSignedRequest(proof.signed);
  if (request === null || request.account !== proof.account || !request.key.equals(proof.key)) return null;
  try {
    const { algorithm, fingerprint } = readBlob(proof.key);
    const hash = algorithm === "ssh-rsa" ? rsaHashes[request.algorithm] : undefined;
    if (algorithm === "ssh-rsa" ? hash === undefined : request.algorithm !== algorithm) return null;
    const key = ssh2.utils.parseKey(`${algorithm} ${proof.key.toString("base64")}`);
    if (key instanceof Error) return null;
    return key.verify(proof.signed, proof.signature, hash) === true ? fingerprint : null;
  } catch (error) {
    if (error instanceof Failure) return null;
    throw error;
  }
}
