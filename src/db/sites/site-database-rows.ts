import type { SelectExpression } from "kysely";
import type { Tables } from "../tables.ts";

/** The columns of a site's database as it should be. */
export const databaseColumns = [
  "siteDatabases.siteId",
  "siteDatabases.id",
  "siteDatabases.lifecycle",
  "siteDatabases.password",
  "siteDatabases.pendingPassword",
  "siteDatabases.hold",
  "siteDatabases.bytes",
] as const satisfies readonly SelectExpression<Tables, "siteDatabases">[];
