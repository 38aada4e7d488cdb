import { randomBytes, randomUUID } from "node:crypto";
import type { UserRole } from "#contract/api/views.ts";
import { defaultSiteLimits } from "#contract/site.ts";
import type { Actor, User } from "#core/accounts/user.ts";
import type { NewOperation, Operation } from "#core/operations/operation.ts";
import { type ActorSite, defaultSiteSettings } from "#core/sites/site.ts";
import type { NewSite, SiteChanges, SitePlan } from "#core/sites/site-store.ts";
import type { Database } from "#db/database.ts";
import type { createStores, createWorkerStores } from "#db/stores.ts";

/** What every suite of a store is run with: the stores of one database, which others fill too. */
export interface StoreContext {
  readonly db: Database;
  /** Those of people's requests, and the worker's. */
  readonly stores: ReturnType<typeof createStores> & {
    readonly reconcilerSites: ReturnType<typeof createWorkerStores>["sites"];
    readonly reconcilerDatabases: ReturnType<typeof createWorkerStores>["databases"];
    readonly operationQueue: ReturnType<typeof createWorkerStores>["queue"];
    readonly taskQueue: ReturnType<typeof createWorkerStores>["tasks"];
    readonly scheduleQueue: ReturnType<typeof createWorkerStores>["schedules"];
  };
  /** Where the database is, for a second connection. */
  readonly url: string;
}

/** A name that nobody else has. */
export function aName(prefix = "n"): string {
  return `${prefix}${randomBytes(6).toString("hex")}`;
}

export function aUser({ stores }: StoreContext, role: UserRole = "member"): Promise<User> {
  return stores.users.create({ username: aName("u"), passwordHash: "hash", role });
}

export async function anActor(context: StoreContext, role: UserRole = "member"): Promise<Actor> {
  return actorOf(await aUser(context, role));
}

export function actorOf(user: User): Actor {
  return { user, scopes: ["full"], door: "web", address: "192.0.2.1" };
}

export function newSite(changes: Partial<NewSite> = {}): NewSite {
  return {
    name: aName("s"),
    kind: "dynamic",
    purpose: "project",
    description: "",
    limits: defaultSiteLimits,
    settings: defaultSiteSettings,
    egress: "none",
    ownerLimit: null,
    ...changes,
  };
}

export function newOperation(changes: Partial<NewOperation> = {}): NewOperation {
  return { id: randomUUID(), kind: "restart", requestedById: null, input: {}, steps: [{ name: "start", title: "Start" }], ...changes };
}

/** The same change whatever the site is by then. */
export function planned(changes: SiteChanges, operation: NewOperation | null = null): SitePlan {
  return () => ({ changes, operation });
}

/** A site that lives, without operations, and its owner. */
export async function aSite(context: StoreContext, changes: Partial<NewSite> = {}): Promise<{ readonly actor: Actor; readonly site: ActorSite }> {
  const actor = await anActor(context);
  const { site, operation } = await context.stores.sites.create(actor, newSite(changes), newOperation({ kind: "create" }));
  await context.stores.reconcilerSites.markActive(site.id);
  await context.db.deleteFrom("operations").where("id", "=", operation.id).execute();
  return { actor, site: await reload(context, actor, site) };
}

/** A site as its owner sees it now. */
export async function reload({ stores }: StoreContext, actor: Actor, site: ActorSite): Promise<ActorSite> {
  const found = await stores.sites.forActor(actor, site.name);
  if (found === null) throw new Error(`${site.name} is gone`);
  return found;
}

/** Queues operations one after the other. */
export async function queueAll({ stores }: StoreContext, site: ActorSite, count: number): Promise<readonly Operation[]> {
  const queued: Operation[] = [];
  for (let i = 0; i < count; i++) queued.push(await stores.operations.queue(site, newOperation()));
  return queued;
}
