import type { SiteDatabaseView } from "#contract/api/database.ts";
import { Failure } from "#contract/failure.ts";
import { siteDatabaseHost, siteDatabaseName, siteDatabaseVariables } from "#contract/site-database.ts";
import type { MockCall, MockHandler } from "./mock-call.ts";
import { startOperation } from "./mock-operations.ts";
import { siteOf } from "./mock-sites.ts";
import type { MockSite } from "./mock-world.ts";

const databases = new WeakMap<MockSite, SiteDatabaseView>();
const known = new WeakSet<MockSite>();
const limitBytes = 268_435_456;

/** Sites that show what there is to see: one that is over its limit, one that failed. */
const examples: Readonly<Record<string, Partial<SiteDatabaseView>>> = {
  robotics: { bytes: 41_300_000 },
  library: {
    bytes: 291_000_000,
    state: "read-only",
    reason: "The database is over its limit and takes no writes. To delete rows, begin the transaction with BEGIN READ WRITE.",
  },
  canteen: { state: "failed", reason: "The database could not be made. Add it again, or delete it; the last operation says why.", url: null, variables: null },
};

function viewOf(site: MockSite, changes: Partial<SiteDatabaseView> = {}): SiteDatabaseView {
  const name = siteDatabaseName(site.view.id);
  const password = crypto.randomUUID().replaceAll("-", "");
  const variables = siteDatabaseVariables({ name, username: name, password }, siteDatabaseHost);
  return { name, username: name, url: variables.DATABASE_URL ?? null, variables, bytes: 7_800_000, limitBytes, state: "ready", reason: null, ...changes };
}

function find(site: MockSite): SiteDatabaseView | null {
  const example = examples[site.view.name];
  // Once deleted it stays so.
  if (example !== undefined && !known.has(site)) databases.set(site, viewOf(site, example));
  known.add(site);
  return databases.get(site) ?? null;
}

function demand(call: MockCall): { readonly site: MockSite; readonly database: SiteDatabaseView } {
  const site = siteOf(call);
  const database = find(site);
  if (database === null) throw new Failure("site_database_not_found");
  return { site, database };
}

/** What the pretended manager says of databases. */
export const mockDatabaseHandlers: Readonly<Record<string, MockHandler>> = {
  "database.read": (call) => ({ database: find(siteOf(call)) }),
  "database.add": (call) => {
    const site = siteOf(call);
    if (site.view.kind === "static") throw new Failure("site_static");
    const before = find(site);
    if (before !== null && before.state !== "failed") throw new Failure("site_database_exists");
    const hidden = { url: null, variables: null, bytes: null } as const;
    databases.set(site, viewOf(site, { ...hidden, state: "adding", reason: "The database is being made." }));
    return { operation: startOperation(call.world, site, { kind: "add-database", finish: () => databases.set(site, viewOf(site)) }) };
  },
  "database.password": (call) => {
    const { site } = demand(call);
    return { operation: startOperation(call.world, site, { kind: "change-database-password", finish: () => databases.set(site, viewOf(site)) }) };
  },
  "database.delete": (call) => {
    const { site, database } = demand(call);
    databases.set(site, { ...database, url: null, variables: null, state: "deleting", reason: "The database is being deleted." });
    return { operation: startOperation(call.world, site, { kind: "delete-database", finish: () => databases.delete(site) }) };
  },
};
