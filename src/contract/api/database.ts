import { z } from "zod";
import { endpoint } from "../endpoint.ts";
import { siteNameInput } from "../site.ts";
import { operationView } from "./views.ts";

const byName = z.object({ name: siteNameInput });
const accepted = z.object({ operation: operationView });

export const siteDatabaseStates = ["adding", "ready", "read-only", "closed", "deleting", "failed"] as const;
export type SiteDatabaseState = (typeof siteDatabaseStates)[number];

/** A site's database as its members see it. */
export const siteDatabaseView = z.object({
  name: z.string(),
  username: z.string(),
  /** With the password in it, as the program finds it; only for those who may edit the site. */
  url: z.string().nullable(),
  /** Every variable that the program gets; only for those who may edit the site. */
  variables: z.record(z.string(), z.string()).nullable(),
  /** Null until it was measured. */
  bytes: z.int().nullable(),
  limitBytes: z.int(),
  /** `read-only`: over its limit, and writes are refused until it has shrunk. `closed`: far over it, and nobody may connect. */
  state: z.enum(siteDatabaseStates),
  /** A sentence for people; null when there is nothing to explain. */
  reason: z.string().nullable(),
});
export type SiteDatabaseView = z.output<typeof siteDatabaseView>;

export const readDatabase = endpoint({
  id: "database.read",
  method: "GET",
  path: "/api/v1/sites/:name/database",
  summary: "The site's database, or null; with its password for those who may edit the site",
  access: { kind: "site", verb: "site.read", scope: "read" },
  params: byName,
  result: z.object({ database: siteDatabaseView.nullable() }),
  status: 200,
});

export const addDatabase = endpoint({
  id: "database.add",
  method: "POST",
  path: "/api/v1/sites/:name/database",
  summary: "Give the site a PostgreSQL database of its own; the program restarts with its address",
  access: { kind: "site", verb: "site.configure", scope: "full" },
  params: byName,
  result: accepted,
  status: 202,
  failures: ["site_static", "site_database_exists", "site_busy"],
});

export const changeDatabasePassword = endpoint({
  id: "database.password",
  method: "POST",
  path: "/api/v1/sites/:name/database/password",
  summary: "Give the database a new password; the program restarts with it",
  access: { kind: "site", verb: "site.configure", scope: "full" },
  params: byName,
  result: accepted,
  status: 202,
  failures: ["site_database_not_found", "site_busy"],
});

export const deleteDatabase = endpoint({
  id: "database.delete",
  method: "DELETE",
  path: "/api/v1/sites/:name/database",
  summary: "Delete the site's database with everything in it",
  access: { kind: "site", verb: "site.configure", scope: "full" },
  params: byName,
  result: accepted,
  status: 202,
  failures: ["site_database_not_found", "site_busy"],
});

export const databaseEndpoints = [readDatabase, addDatabase, changeDatabasePassword, deleteDatabase] as const;
