import { createHash, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import { Failure } from "#contract/failure.ts";
import type { GrantVerb } from "#contract/grant.ts";
import type { DoorPlace, DoorView } from "#contract/internal/doors.ts";
import { homeFolderId } from "#contract/site.ts";
import { scopeAllows } from "#contract/token-scope.ts";
import { type SignInDeps, signIn } from "#core/accounts/sign-in.ts";
import { signInByToken } from "#core/accounts/sign-in-by-token.ts";
import type { TokenStore } from "#core/accounts/token-store.ts";
import type { Actor, Door, User } from "#core/accounts/user.ts";
import type { AuditStore } from "#core/audit/audit-store.ts";
import { demandSiteVerb, mayPlatform, verbsFor } from "#core/policy/policy.ts";
import type { ActorSite } from "#core/sites/site.ts";
import type { SiteStore } from "#core/sites/site-store.ts";
import { isLoopback } from "#kit/demo-account.ts";
import type { GrantSigner } from "#kit/grant.ts";
import type { Seal } from "#kit/seal.ts";
import type { Note } from "../audit-trail.ts";
import { hashOf } from "../session-cookie.ts";

/** What signing in at a door needs. */
export interface DoorSessionsDeps extends Omit<SignInDeps, "now"> {
  readonly tokens: TokenStore;
  readonly sites: SiteStore;
  readonly audit: AuditStore;
  readonly note: Note;
  readonly signer: GrantSigner;
  readonly seal: Seal;
  /** USER:PASSWORD of the account without a person. */
  readonly demoAccount: string | undefined;
}

/** What a person types at a door. */
export interface DoorSignIn {
  readonly username: string;
  readonly password: string;
  readonly site: string | null;
  readonly door: Extract<Door, "ftp" | "ssh" | "sftp">;
  readonly address: string;
}

/** What a door keeps for us, sealed: the manager itself remembers nothing of a session. */
const kept = z.object({
  username: z.string(),
  /** The person's epoch at sign-in; null for the demo account. */
  epoch: z.int().nullable(),
  /** sha256 of the API token, if it was one. */
  token: z.string().nullable(),
  root: z.int().nullable(),
  door: z.enum(["ftp", "ssh", "sftp"]),
  address: z.string(),
});
type Kept = z.output<typeof kept>;

/** As many sites as a person sees as folders at a door. */
const mostPlaces = 1000;
const homePlace: DoorPlace = { siteId: homeFolderId, name: "home", canWrite: true, epoch: 0 };

/** People at the doors beside the dashboard: who they are, what they may see, and for how long. */
export class DoorSessions {
  readonly #deps: DoorSessionsDeps;

  constructor(deps: DoorSessionsDeps) {
    this.#deps = deps;
  }

  /** @throws {Failure} `credentials_wrong`, `too_many_attempts`, `site_not_found`, `site_disabled`. */
  async open(input: DoorSignIn): Promise<DoorView> {
    const { door, address } = input;
    if (this.#isDemo(input)) {
      await this.#deps.audit.record({ ...demoEntry, actorName: input.username, door, address });
      return this.#view({ username: input.username, epoch: null, token: null, root: homeFolderId, door, address }, null, []);
    }
    const token = input.password.startsWith("blt_") ? hashOf(input.password) : null;
    const actor = await this.#actorOf(input, token);
    const root = input.site === null ? null : await this.#rootOf(actor, input.site);
    await this.#deps.note(actor, "session.create", { details: { door, ...(input.site === null ? {} : { site: input.site }) } });
    const { username, epoch } = actor.user;
    return this.#view({ username, epoch, token, root, door, address }, actor, []);
  }

  /** @throws {Failure} `not_signed_in`, `site_not_found`. */
  async renew(session: string, grantsFor: readonly number[]): Promise<DoorView> {
    const state = this.#opened(session);
    if (state.epoch === null) return this.#view(state, null, grantsFor);
    const user = await this.#deps.users.byUsername(state.username);
    if (user === null || !user.isActive || user.epoch !== state.epoch) throw new Failure("not_signed_in");
    if (state.token !== null) {
      const found = await this.#deps.tokens.find(state.token, new Date());
      if (found?.user.id !== user.id || !scopeAllows(found.token.scopes, "files")) throw new Failure("not_signed_in");
    }
    return this.#view(state, actorAt(user, state), grantsFor);
  }

  #opened(session: string): Kept {
    try {
      return kept.parse(JSON.parse(this.#deps.seal.open(session)));
    } catch (cause) {
      throw new Failure("not_signed_in", {}, { cause });
    }
  }

  async #actorOf(input: DoorSignIn, token: string | null): Promise<Actor> {
    const deps = { ...this.#deps, now: () => new Date() };
    if (token === null) return actorAt(await signIn(deps, input), input);
    const found = await signInByToken(deps, { username: input.username, secretHash: token, address: input.address });
    if (!scopeAllows(found.scopes, "files")) throw new Failure("scope_too_small", { scope: "files" });
    return actorAt(found.user, input);
  }

  async #rootOf(actor: Actor, name: string): Promise<number> {
    if (name === homePlace.name && mayPlatform(actor.user.role, "tasks.home")) return homeFolderId;
    const site = await this.#deps.sites.forActor(actor, name);
    if (site === null) throw new Failure("site_not_found");
    demandSiteVerb({ userRole: actor.user.role, memberRole: site.role, availability: site.availability }, "site.files.read");
    return site.id;
  }

  async #view(state: Kept, actor: Actor | null, grantsFor: readonly number[]): Promise<DoorView> {
    const places = actor === null ? [homePlace] : await this.#places(actor, state.root);
    if (state.root !== null && !places.some((place) => place.siteId === state.root)) throw new Failure("site_not_found");
    const granted = places.filter((place) => grantsFor.includes(place.siteId));
    return {
      session: this.#deps.seal.seal(JSON.stringify(state)),
      user: actor === null ? null : { id: actor.user.id, username: actor.user.username, epoch: actor.user.epoch },
      usesToken: state.token !== null,
      places,
      root: state.root,
      grants: await Promise.all(granted.map(async (place): Promise<[number, string]> => [place.siteId, await this.#grant(state.door, actor, place)])),
    };
  }

  async #places(actor: Actor, root: number | null): Promise<DoorPlace[]> {
    const home = mayPlatform(actor.user.role, "tasks.home") ? [homePlace] : [];
    if (root === homeFolderId) return home;
    if (root !== null) {
      const site = await this.#deps.sites.numberForActor(actor, root);
      return site === null ? [] : placeOf(actor, site);
    }
    const found: DoorPlace[] = [];
    let cursor: string | undefined;
    do {
      const page = await this.#deps.sites.listFor(actor, { all: false, limit: 200, cursor });
      found.push(...page.items.flatMap((site) => placeOf(actor, site)));
      cursor = page.next ?? undefined;
    } while (cursor !== undefined && found.length < mostPlaces);
    return [...home, ...found.filter((place) => home.length === 0 || place.name !== homePlace.name)];
  }

  #grant(door: DoorSignIn["door"], actor: Actor | null, place: DoorPlace): Promise<string> {
    const verbs: GrantVerb[] = place.canWrite ? ["site.files.read", "site.files.write"] : ["site.files.read"];
    return this.#deps.signer.sign({
      aud: "orchestrator",
      sub: door === "ftp" ? "ftp" : "shell",
      site: place.siteId,
      verbs,
      ...(actor === null ? {} : { user: actor.user.id, userEpoch: actor.user.epoch }),
      ...(place.siteId === homeFolderId ? {} : { siteEpoch: place.epoch }),
    });
  }

  #isDemo(input: DoorSignIn): boolean {
    const { demoAccount } = this.#deps;
    if (demoAccount === undefined || input.door !== "ftp" || input.site !== null || !isLoopback(input.address)) return false;
    return timingSafeEqual(digestOf(demoAccount), digestOf(`${input.username}:${input.password}`));
  }
}

const demoEntry = { actorId: null, action: "session.create", siteId: null, siteName: null, details: { account: "demo" } } as const;

function actorAt(user: User, at: { readonly door: Door; readonly address: string }): Actor {
  return { user, scopes: ["files"], door: at.door, address: at.address };
}

function placeOf(actor: Actor, site: ActorSite): DoorPlace[] {
  const verbs = verbsFor({ userRole: actor.user.role, memberRole: site.role, availability: site.availability });
  if (!verbs.includes("site.files.read") || site.lifecycle === "deleting") return [];
  return [{ siteId: site.id, name: site.name, canWrite: verbs.includes("site.files.write"), epoch: site.epoch }];
}

function digestOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
