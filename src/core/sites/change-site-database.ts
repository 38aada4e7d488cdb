import { Failure } from "#contract/failure.ts";
import type { Actor } from "../accounts/user.ts";
import type { Operation } from "../operations/operation.ts";
import { planOperation } from "../operations/plan.ts";
import type { ActorSite } from "./site.ts";
import type { SiteDatabaseStore } from "./site-database-store.ts";

/** What changing a site's database needs. */
export interface SiteDatabaseDeps {
  readonly databases: SiteDatabaseStore;
  readonly newId: () => string;
  /** A new password that cannot be guessed, sealed. */
  readonly newSealedPassword: () => string;
}

/** Gives the site a database. @throws {Failure} `site_static`, `site_database_exists`, `site_being_deleted`. */
export async function addDatabase(deps: SiteDatabaseDeps, actor: Actor, site: ActorSite): Promise<Operation> {
  if (site.kind === "static") throw new Failure("site_static");
  const database = { id: deps.newId(), password: deps.newSealedPassword() };
  return deps.databases.add(site, database, plan(deps, actor, { site, kind: "add-database" }));
}

/** Gives the site's database another password. @throws {Failure} `site_database_not_found`, `site_busy`. */
export async function changeDatabasePassword(deps: SiteDatabaseDeps, actor: Actor, site: ActorSite): Promise<Operation> {
  return deps.databases.changePassword(site, deps.newSealedPassword(), plan(deps, actor, { site, kind: "change-database-password" }));
}

/** Deletes the site's database with everything in it. @throws {Failure} `site_database_not_found`. */
export async function deleteDatabase(deps: SiteDatabaseDeps, actor: Actor, site: ActorSite): Promise<Operation> {
  return deps.databases.delete(site, plan(deps, actor, { site, kind: "delete-database" }));
}

function plan(
  deps: SiteDatabaseDeps,
  actor: Actor,
  request: { readonly site: ActorSite; readonly kind: "add-database" | "change-database-password" | "delete-database" },
) {
  const { site, kind } = request;
  const subject = { kind: site.kind, canRunTwice: site.settings.canRunTwice };
  return planOperation({ id: deps.newId(), kind, input: {}, subject, requestedById: actor.user.id });
}
