import { Failure } from "#contract/failure.ts";
import { type SiteDatabaseCredentials, siteDatabaseName } from "#contract/site-database.ts";
import type { StepAction } from "#core/operations/operation-runner.ts";
import type { ClaimedOperation } from "#core/operations/operation-store.ts";
import type { SiteDatabase } from "#core/sites/site-database.ts";
import type { DatabaseIdentity, SiteDatabaseServer } from "#core/sites/site-database-server.ts";
import type { ReconcilerDatabaseStore } from "#core/sites/site-database-store.ts";
import type { Seal } from "#kit/seal.ts";

/** What the steps of databases act on. */
export interface DatabaseDeps {
  readonly databases: ReconcilerDatabaseStore;
  readonly databaseServer: SiteDatabaseServer;
  readonly databaseSeal: Seal;
}

/** How the server knows a site's database. */
export function identityOf(database: SiteDatabase): DatabaseIdentity {
  return { name: siteDatabaseName(database.siteId), id: database.id };
}

/** What the orchestrator is told of a site's database; null unless it stands. */
export async function credentialsOf(deps: DatabaseDeps, siteId: number): Promise<SiteDatabaseCredentials | null> {
  const database = await deps.databases.bySite(siteId);
  if (database?.lifecycle !== "ready") return null;
  const name = siteDatabaseName(siteId);
  return { name, username: name, password: deps.databaseSeal.open(database.password) };
}

/** The steps that act on the server of sites' databases; each may be called again after a crash. */
export function databaseSteps(deps: DatabaseDeps): Readonly<Record<"makeDatabase" | "changePassword" | "dropDatabase", StepAction>> {
  const { databases, databaseServer, databaseSeal } = deps;
  return {
    makeDatabase: async (operation) => {
      const database = await demand(deps, operation);
      if (database.lifecycle === "deleting") return "It is to be deleted.";
      await databaseServer.make(identityOf(database), databaseSeal.open(database.password));
      await databases.markReady(database.siteId);
      return undefined;
    },
    changePassword: async (operation) => {
      const database = await demand(deps, operation);
      if (database.lifecycle !== "ready") return "It is to be deleted.";
      // Done before a crash, none is pending any more, and the one that holds is set once more.
      const next = database.pendingPassword ?? database.password;
      await databaseServer.setPassword(identityOf(database), databaseSeal.open(next));
      await databases.passwordChanged(database.siteId, next);
      return undefined;
    },
    dropDatabase: async (operation) => {
      const database = operation.siteId === null ? null : await databases.bySite(operation.siteId);
      if (database === null) return "There is none.";
      const kept = await databaseServer.drop(identityOf(database)).then(
        () => undefined,
        (error: unknown) => whyKept(operation, error),
      );
      await databases.remove(database.siteId);
      return kept;
    },
  };
}

/** Says of a database that could not be made that it was not, so that it can be tried again. */
export async function abandonDatabase(deps: DatabaseDeps, operation: ClaimedOperation): Promise<void> {
  if (operation.kind === "add-database" && operation.siteId !== null) await deps.databases.markFailed(operation.siteId);
}

/** A server that was taken away for good must not keep a site from being deleted. What it holds carries its mark, and nobody gets it. */
function whyKept(operation: ClaimedOperation, error: unknown): string {
  if (operation.kind !== "delete" || !(error instanceof Failure) || error.code !== "site_databases_off") throw error;
  return `Whatever the server of sites' databases has of this site stays there. ${error.message}`;
}

async function demand(deps: DatabaseDeps, operation: ClaimedOperation): Promise<SiteDatabase> {
  const database = operation.siteId === null ? null : await deps.databases.bySite(operation.siteId);
  if (database === null) throw new Failure("site_database_not_found");
  return database;
}
