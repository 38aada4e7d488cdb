import { type Database, openDatabase } from "#db/database.ts";
import { silentLog } from "#kit/log.ts";
import type { Backlot } from "./backlot.ts";
import { environmentOfControl } from "./extra-worker.ts";

/** The database of a running Backlot, for what no person can ask for. */
export async function openDatabaseOf(backlot: Backlot): Promise<Database> {
  const { DATABASE_URL: url } = await environmentOfControl(backlot);
  if (url === undefined) throw new Error("its processes have no DATABASE_URL");
  return openDatabase({ url, maxConnections: 2, log: silentLog(), statementTimeoutMs: 60_000 });
}
