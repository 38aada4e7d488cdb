import { createHmac, randomBytes } from "node:crypto";
import { LRUCache } from "lru-cache";
import { Failure } from "#contract/failure.ts";
import { type SignInDeps, signIn } from "#core/accounts/sign-in.ts";
import type { User } from "#core/accounts/user.ts";
import type { AuditStore } from "#core/audit/audit-store.ts";
import type { Note } from "../audit-trail.ts";
import { noteFailedSignIn } from "../failed-sign-in.ts";

/** Checking a password takes about 10 ms of a core on purpose; a client that polls must not pay it at each request. */
const rememberedMs = 60_000;
const mostRemembered = 1000;
/** A client that polls signs in again and again; the audit trail says so once an hour. */
const notedMs = 3_600_000;

/** What signing in by a header needs. */
export interface BasicSignInDeps extends SignInDeps {
  readonly audit: AuditStore;
  readonly note: Note;
}

/** Sign-in by HTTP Basic: the rate-limited sign-in of everybody else, remembered for a minute. */
export class BasicSignIn {
  readonly #deps: BasicSignInDeps;
  readonly #known = new LRUCache<string, Promise<User>>({ max: mostRemembered, ttl: rememberedMs });
  readonly #noted = new LRUCache<string, true>({ max: mostRemembered, ttl: notedMs });
  // What is remembered is no password, and of no use to any other process.
  readonly #key = randomBytes(32);

  constructor(deps: BasicSignInDeps) {
    this.#deps = deps;
  }

  /**
   * Who sends this header.
   * @throws {Failure} `not_signed_in` for what is no such header, `credentials_wrong`, `too_many_attempts`.
   */
  async user(authorization: string, address: string): Promise<User> {
    const credentials = readBasic(authorization);
    if (credentials === null) throw new Failure("not_signed_in");
    const key = createHmac("sha256", this.#key).update(`${credentials.username}\0${credentials.password}\0${address}`).digest("base64url");
    const remembered = this.#known.get(key);
    // The same request again while the first is being checked shares its answer, a refusal too.
    if (remembered === undefined) return this.#signIn(key, credentials, address);
    const known = await remembered;
    return (await this.#isCurrent(known)) ? known : this.#signIn(key, credentials, address);
  }

  async #signIn(key: string, credentials: Credentials, address: string): Promise<User> {
    const signingIn = this.#check(key, credentials, address);
    this.#known.set(key, signingIn);
    try {
      return await signingIn;
    } catch (error) {
      this.#known.delete(key);
      throw error;
    }
  }

  async #check(key: string, credentials: Credentials, address: string): Promise<User> {
    const { audit, note } = this.#deps;
    const user = await signIn(this.#deps, { ...credentials, address }).catch(async (error: unknown) => {
      await noteFailedSignIn(audit, error, { username: credentials.username, door: "api", address });
      throw error;
    });
    if (!this.#noted.has(key)) await note({ user, scopes: ["full"], door: "api", address }, "session.create", { details: { by: "basic" } });
    this.#noted.set(key, true);
    return user;
  }

  // A new password, another role or the end of an account count at once.
  async #isCurrent(known: User): Promise<boolean> {
    const now = await this.#deps.users.byUsername(known.username);
    return now?.isActive === true && now.id === known.id && now.epoch === known.epoch && now.role === known.role;
  }
}

interface Credentials {
  readonly username: string;
  readonly password: string;
}

function readBasic(header: string): Credentials | null {
  const [, encoded] = /^basic +([A-Za-z0-9+/]+=*) *$/i.exec(header) ?? [];
  if (encoded === undefined) return null;
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon < 1 ? null : { username: text.slice(0, colon), password: text.slice(colon + 1) };
}
