import { createHash, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import { Failure } from "#contract/failure.ts";
import type { GrantVerb } from "#contract/grant.ts";
import type { DoorPlace, DoorView } from "#contract/internal/doors.ts";
import { homeFolderId } from "#contract/site.ts";
import type { Actor, Door, User } from "#core/accounts/user.ts";
import type { AuditStore } from "#core/audit/audit-store.ts";
import type { Fleet } from "#core/nodes/fleet.ts";
import { demandSiteVerb, mayPlatform, verbsFor } from "#core/policy/policy.ts";
import type { ActorSite } from "#core/sites/site.ts";
import type { SiteStore } from "#core/sites/site-store.ts";
import { isLoopback } from "#kit/demo-account.ts";
import { parseAccountName } from "#kit/door/account-name.ts";
import type { GrantSigner } from "#kit/grant.ts";
import type { Seal } from "#kit/seal.ts";
import type { Note } from "../audit-trail.ts";
import { noteFailedSignIn } from "../failed-sign-in.ts";
import { anotherKey, type DoorSignInDeps, type DoorUse, type KeyProof, type KnownPerson, knowByKey, knowBySecret, usesOf } from "./door-sign-in.ts";

/** What signing in at a door needs. */
export interface DoorSessionsDeps extends DoorSignInDeps {
  readonly sites: SiteStore;
  readonly audit: AuditStore;
  readonly note: Note;
  readonly signer: GrantSigner;
  readonly fleet: Pick<Fleet, "isSingle" | "nodeOf">;
  readonly seal: Seal;
  /** USER:PASSWORD of the account without a person. */
  readonly demoAccount: string | undefined;
}

type DoorName = Extract<Door, "ftp" | "ssh" | "sftp">;

/** What a person types at a door. */
export interface DoorSignIn {
  readonly username: string;
  readonly password: string;
  readonly site: string | null;
  readonly door: DoorName;
  readonly address: string;
}

/** What a door keeps for us, sealed: the manager itself remembers nothing of a session. */
const kept = z.object({
  username: z.string(),
  /** The person's epoch at sign-in; null for the demo account. */
  epoch: z.int().nullable(),
  /** sha256 of the API token, if it was one. */
  token: z.string().nullable(),
  /** The public key, if it was one. */
  key: z.string().nullable().default(null),
  root: z.int().nullable(),
  door: z.enum(["ftp", "ssh", "sftp"]),
  address: z.string(),
});
type Kept = z.output<typeof kept>;

/** As many sites as a person sees as folders at a door. */
const mostPlaces = 1000;
const homePlace: DoorPlace = { siteId: homeFolderId, name: "home", canWrite: true, canShell: false, epoch: 0 };
/** Somebody may have more rights than the door has uses for; FTP knows files only. */
const everyUse: readonly DoorUse[] = ["files", "shell"];

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
      return this.#view({ username: input.username, epoch: null, token: null, key: null, root: homeFolderId, door, address }, null, []);
    }
    return this.#begin(input, () => knowBySecret(this.#deps, input));
  }

  /** The same for somebody who signed with a key. */
  async openByKey(proof: Omit<KeyProof, "username">): Promise<DoorView> {
    const { username, site } = parseAccountName(proof.account);
    return this.#begin({ username, site, door: "ssh", address: proof.address }, () => knowByKey(this.#deps, { ...proof, username }));
  }

  /** @throws {Failure} `not_signed_in`, `site_not_found`. */
  async renew(session: string, grantsFor: readonly number[]): Promise<DoorView> {
    const state = this.#opened(session);
    if (state.epoch === null) return this.#view(state, null, grantsFor);
    const user = await this.#deps.users.byUsername(state.username);
    if (user === null || !user.isActive || user.epoch !== state.epoch) throw new Failure("not_signed_in");
    if (state.key !== null && !(await this.#deps.keys.has(user.id, state.key))) throw new Failure("not_signed_in");
    return this.#view(state, actorAt(user, state), grantsFor);
  }

  async #begin(input: Omit<DoorSignIn, "password">, know: () => Promise<KnownPerson>): Promise<DoorView> {
    const { door, address } = input;
    const person = await know().catch(async (error: unknown) => {
      // One of several keys that a client offers is no try.
      if (!(error instanceof Failure) || error.cause !== anotherKey) await noteFailedSignIn(this.#deps.audit, error, input);
      throw error;
    });
    const actor = actorAt(person.user, input);
    const root = input.site === null ? null : await this.#rootOf(actor, input.site);
    const by = person.key === null ? {} : { key: person.key };
    await this.#deps.note(actor, "session.create", { details: { door, ...by, ...(input.site === null ? {} : { site: input.site }) } });
    const { username, epoch } = actor.user;
    return this.#view({ username, epoch, token: person.token, key: person.key, root, door, address }, actor, []);
  }

  #opened(session: string): Kept {
    try {
      return kept.parse(JSON.parse(this.#deps.seal.open(session)));
    } catch (cause) {
      throw new Failure("not_signed_in", {}, { cause });
    }
  }

  async #rootOf(actor: Actor, name: string): Promise<number> {
    if (name === homePlace.name && mayPlatform(actor.user.role, "tasks.home")) return homeFolderId;
    const site = await this.#deps.sites.forActor(actor, name);
    if (site === null) throw new Failure("site_not_found");
    demandSiteVerb({ userRole: actor.user.role, memberRole: site.role, availability: site.availability }, "site.files.read");
    return site.id;
  }

  async #view(state: Kept, actor: Actor | null, grantsFor: readonly number[]): Promise<DoorView> {
    const allows = await this.#uses(state, actor);
    const found = actor === null ? [homePlace] : await this.#places(actor, state.root);
    const places = allows.includes("shell") ? found : found.map((place) => ({ ...place, canShell: false }));
    if (state.root !== null && !places.some((place) => place.siteId === state.root)) throw new Failure("site_not_found");
    const granted = places.filter((place) => grantsFor.includes(place.siteId) && (allows.includes("files") || place.canShell === true));
    const grants = granted.map(async (place): Promise<[number, string]> => [place.siteId, await this.#grant({ state, actor, place, allows })]);
    return {
      session: this.#deps.seal.seal(JSON.stringify(state)),
      user: actor === null ? null : { id: actor.user.id, username: actor.user.username, epoch: actor.user.epoch },
      usesToken: state.token !== null,
      allows: [...allows],
      places,
      root: state.root,
      grants: await Promise.all(grants),
    };
  }

  // An API token may have been taken back, and its scopes limit what the session is for.
  async #uses(state: Kept, actor: Actor | null): Promise<readonly DoorUse[]> {
    const here = state.door === "ssh" ? everyUse : (["files"] as const);
    if (state.token === null) return here;
    const found = await this.#deps.tokens.find(state.token, new Date());
    if (found === null || found.user.id !== actor?.user.id) throw new Failure("not_signed_in");
    const uses = here.filter((use) => usesOf(found.token.scopes).includes(use));
    if (uses.length === 0) throw new Failure("not_signed_in");
    return uses;
  }

  async #places(actor: Actor, root: number | null): Promise<DoorPlace[]> {
    const home = mayPlatform(actor.user.role, "tasks.home") ? [homePlace] : [];
    if (root === homeFolderId) return home;
    if (root !== null) {
      const site = await this.#deps.sites.numberForActor(actor, root);
      return site === null ? [] : this.#placeOf(actor, site);
    }
    const found: DoorPlace[] = [];
    let cursor: string | undefined;
    do {
      const page = await this.#deps.sites.listFor(actor, { all: false, limit: 200, cursor });
      found.push(...page.items.flatMap((site) => this.#placeOf(actor, site)));
      cursor = page.next ?? undefined;
    } while (cursor !== undefined && found.length < mostPlaces);
    return [...home, ...found.filter((place) => home.length === 0 || place.name !== homePlace.name)];
  }

  // Where there are several orchestrators the door is told which one holds it.
  #placeOf(actor: Actor, site: ActorSite): DoorPlace[] {
    const { fleet } = this.#deps;
    const url = fleet.isSingle ? null : (fleet.nodeOf(site.nodeId)?.url ?? null);
    return placeOf(actor, site).map((place) => (url === null ? place : { ...place, orchestrator: url }));
  }

  #grant(given: { readonly state: Kept; readonly actor: Actor | null; readonly place: DoorPlace; readonly allows: readonly DoorUse[] }): Promise<string> {
    const { state, actor, place, allows } = given;
    const files: readonly GrantVerb[] = place.canWrite ? ["site.files.read", "site.files.write"] : ["site.files.read"];
    // Files are reached by SFTP only, whatever else the session is for.
    const door = state.door === "ssh" && allows.includes("files") ? "sftp" : state.door;
    return this.#deps.signer.sign({
      aud: "orchestrator",
      sub: state.door === "ftp" ? "ftp" : "shell",
      site: place.siteId,
      verbs: [...(allows.includes("files") ? files : []), ...(place.canShell === true ? (["site.shell"] as const) : [])],
      by: { name: state.username, door, address: state.address },
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
  return { user, scopes: everyUse, door: at.door, address: at.address };
}

function placeOf(actor: Actor, site: ActorSite): DoorPlace[] {
  const verbs = verbsFor({ userRole: actor.user.role, memberRole: site.role, availability: site.availability });
  if (!verbs.includes("site.files.read") || site.lifecycle === "deleting") return [];
  return [{ siteId: site.id, name: site.name, canWrite: verbs.includes("site.files.write"), canShell: verbs.includes("site.shell"), epoch: site.epoch }];
}

function digestOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
