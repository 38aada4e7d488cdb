import { randomBytes, randomUUID } from "node:crypto";
import type { FastifyInstance } from "fastify";
import * as api from "#contract/api/database.ts";
import { siteDatabaseHost, siteDatabaseName, siteDatabaseVariables } from "#contract/site-database.ts";
import { scopeAllows } from "#contract/token-scope.ts";
import { verbsFor } from "#core/policy/policy.ts";
import { addDatabase, changeDatabasePassword, deleteDatabase } from "#core/sites/change-site-database.ts";
import { databaseReason, databaseState, type SiteDatabase } from "#core/sites/site-database.ts";
import type { SiteDatabaseStore } from "#core/sites/site-database-store.ts";
import { mount } from "#kit/http/mount.ts";
import type { Seal } from "#kit/seal.ts";
import type { Note } from "./audit-trail.ts";
import type { SiteCaller } from "./callers.ts";
import type { personGuards } from "./person-guard.ts";
import { operationViewOf } from "./views.ts";

/** What the endpoints of databases need. */
export interface DatabaseApiDeps {
  readonly guards: ReturnType<typeof personGuards>;
  readonly databases: SiteDatabaseStore;
  readonly databaseSeal: Seal;
  readonly databaseBytes: number;
  readonly note: Note;
}

/** Serves sites' databases. */
export function mountDatabases(app: FastifyInstance, deps: DatabaseApiDeps): void {
  const { guards, databases, databaseSeal, note } = deps;
  const core = { databases, newId: randomUUID, newSealedPassword: () => databaseSeal.seal(randomBytes(32).toString("base64url")) };
  mount({ app, guard: guards.site }, api.readDatabase, async ({ caller }) => {
    const database = await databases.find(caller.site);
    return { database: database === null ? null : viewOf(deps, caller, database) };
  });
  const changes = [
    [api.addDatabase, addDatabase],
    [api.changeDatabasePassword, changeDatabasePassword],
    [api.deleteDatabase, deleteDatabase],
  ] as const;
  for (const [endpoint, change] of changes) {
    mount({ app, guard: guards.site }, endpoint, async ({ caller }) => {
      const operation = await change(core, caller.actor, caller.site);
      await note(caller.actor, endpoint.id, { site: caller.site });
      return { operation: operationViewOf(operation) };
    });
  }
}

function viewOf(deps: DatabaseApiDeps, caller: SiteCaller, database: SiteDatabase): api.SiteDatabaseView {
  const name = siteDatabaseName(database.siteId);
  const state = databaseState(database);
  const mayConnect = database.lifecycle === "ready" && maySeeSecrets(caller);
  const variables = mayConnect ? siteDatabaseVariables({ name, username: name, password: deps.databaseSeal.open(database.password) }, siteDatabaseHost) : null;
  return {
    name,
    username: name,
    url: variables?.DATABASE_URL ?? null,
    variables,
    bytes: database.bytes,
    limitBytes: deps.databaseBytes,
    state,
    reason: databaseReason(state),
  };
}

/** Whoever edits the site's files has its program print the password; nobody else is told it, nor a token for reading. */
function maySeeSecrets({ actor, site }: SiteCaller): boolean {
  const verbs = verbsFor({ userRole: actor.user.role, memberRole: site.role, availability: site.availability });
  return verbs.includes("site.files.write") && scopeAllows(actor.scopes, "full");
}
