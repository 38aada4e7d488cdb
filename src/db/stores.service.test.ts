import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "#kit/log.ts";
import { debianPrograms } from "#supervisor/postgres-programs.ts";
import { startPrivatePostgres } from "#supervisor/private-postgres.ts";
import { describeStores } from "../../test/support/stores/store-suite.ts";
import { createDatabaseOn, createTestDatabase, type TestDatabase } from "../../test/support/test-database.ts";

describeStores("on the private server", () => createTestDatabase());

// The same on the distribution's server, which is of another version: what an administrator's DATABASE_URL may lead to.
const [debian] = await debianPrograms();
if (debian !== undefined) {
  describeStores(`on the distribution's PostgreSQL ${debian.major}`, async (): Promise<TestDatabase> => {
    const folder = await mkdtemp(join(tmpdir(), "backlot-debian-"));
    const server = await startPrivatePostgres({ folder, log: silentLog(), installed: [debian] });
    const database = await createDatabaseOn(server.url);
    const drop = async (): Promise<void> => {
      await server.stop();
      await rm(folder, { recursive: true });
    };
    return { url: database.url, drop, [Symbol.asyncDispose]: drop };
  });
}
