import { setTimeout as delay } from "node:timers/promises";
import type { AuthContext, AuthenticationType, PublicKeyAuthContext } from "ssh2";
import { Failure, type FailureCode } from "#contract/failure.ts";
import { type DoorView, openDoor, openDoorByKey } from "#contract/internal/doors.ts";
import { parseAccountName } from "#kit/door/account-name.ts";
import { DoorSession } from "#kit/door/door-session.ts";
import { RemoteFiles } from "#kit/door/remote-files.ts";
import { keyAlgorithms } from "./algorithms.ts";
import type { DoorDeps, Visitor } from "./door-deps.ts";

const methods: AuthenticationType[] = ["publickey", "password", "keyboard-interactive"];
/** Questions whether a key would do, and asking for the methods, cost nothing; but not without end. */
const mostQuestions = 60;
/** Agents offer all the keys that they hold before the one that fits, or a password. */
const mostKeys = 30;
const mostNameLength = 300;
/** Whoever gets one of these has shown who they are: they are let in and told why they may do nothing here. */
const afterwards: readonly FailureCode[] = ["site_not_found", "site_disabled", "role_too_low", "scope_too_small"];

/** What signing in needs of its connection. */
export interface SignInPlace {
  readonly deps: DoorDeps;
  readonly address: string;
  /** Called just before the client is told that it is in. */
  onSignedIn(visitor: Visitor): void;
  /** Ends the connection. */
  end(): void;
}

/** Signing in over one connection: as often as the rules allow. */
export class SignIn {
  readonly #place: SignInPlace;
  #failures = 0;
  #keys = 0;
  #questions = 0;

  constructor(place: SignInPlace) {
    this.#place = place;
  }

  /** Answers one request of the client. Never rejects. */
  async answer(context: AuthContext): Promise<void> {
    try {
      await this.#answer(context);
    } catch (err) {
      this.#place.deps.log.error({ err }, "signing in failed");
      this.#place.end();
    }
  }

  async #answer(context: AuthContext): Promise<void> {
    if (context.username.length > mostNameLength) return this.#fail(context);
    switch (context.method) {
      case "password":
        // A changed password comes as an object, unasked for.
        if (typeof context.password !== "string") return this.#fail(context);
        return this.#bySecret(context, context.password);
      case "keyboard-interactive":
        return this.#bySecret(context, await asked(context));
      case "publickey":
        return this.#byKey(context);
      default:
        this.#count();
        context.reject(methods);
    }
  }

  async #bySecret(context: AuthContext, password: string | null): Promise<void> {
    if (password === null) return;
    const { deps, address } = this.#place;
    if (password.length > 1000) return this.#fail(context);
    const { username, site } = parseAccountName(context.username);
    const body = { username: username.slice(0, 200), password, site, door: "ssh" as const, address };
    await this.#enter(context, () => deps.manager.call(openDoor, { body, signal: AbortSignal.timeout(20_000) }));
  }

  async #byKey(context: PublicKeyAuthContext): Promise<void> {
    const { deps, address } = this.#place;
    const { key, blob, signature } = context;
    if (!keyAlgorithms.includes(key.algo) || key.data.length > 4096) return this.#fail(context, { isKey: true });
    if (signature === undefined || blob === undefined) {
      // Yes to every key, whosever it is: the answer tells nobody who is here, nor which keys they have.
      this.#count();
      return context.accept();
    }
    const body = {
      account: context.username,
      key: key.data.toString("base64"),
      signed: blob.toString("base64"),
      signature: signature.toString("base64"),
      address,
    };
    await this.#enter(context, () => deps.manager.call(openDoorByKey, { body, signal: AbortSignal.timeout(20_000) }));
  }

  async #enter(context: AuthContext, open: () => Promise<DoorView>): Promise<void> {
    const { deps } = this.#place;
    try {
      const view = await open();
      const door = new DoorSession(deps.manager, view);
      const person = { door, files: new RemoteFiles(door, deps.orchestratorUrl), name: view.user?.username ?? context.username, since: new Date() };
      this.#admit(context, { kind: "person", person });
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      if (afterwards.includes(error.code)) return this.#admit(context, { kind: "turned-away", reason: error.message });
      if (error.status >= 500) deps.log.warn({ reason: error.message }, "nobody can sign in at the moment");
      // One key after another is what clients do; who went on for long waits like somebody who guesses.
      await this.#fail(context, { isKey: context.method === "publickey" && error.code !== "too_many_attempts" });
    }
  }

  #admit(context: AuthContext, visitor: Visitor): void {
    this.#place.onSignedIn(visitor);
    context.accept();
  }

  // Whoever guesses waits, and starts anew after a few tries. Nobody guesses a key, so that trying the next one need not wait.
  async #fail(context: AuthContext, options: { readonly isKey?: boolean } = {}): Promise<void> {
    const { rules } = this.#place.deps;
    if (options.isKey === true) this.#keys += 1;
    else {
      this.#failures += 1;
      await delay(rules.failureDelayMs);
    }
    context.reject(methods);
    if (this.#failures >= rules.attempts || this.#keys >= mostKeys) this.#place.end();
  }

  #count(): void {
    this.#questions += 1;
    if (this.#questions > mostQuestions) this.#place.end();
  }
}

// Null when the client thought better of it.
function asked(context: Extract<AuthContext, { method: "keyboard-interactive" }>): Promise<string | null> {
  const { promise, resolve } = Promise.withResolvers<string | null>();
  context.once("abort", () => resolve(null));
  context.prompt([{ prompt: "Password: ", echo: false }], (answers: unknown) => {
    const [first] = Array.isArray(answers) ? answers : [];
    resolve(typeof first === "string" ? first : null);
  });
  return promise;
}
