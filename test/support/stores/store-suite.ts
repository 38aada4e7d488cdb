import { afterAll, beforeAll, describe } from "vitest";
import { openDatabase } from "#db/database.ts";
import { createStores, createWorkerStores } from "#db/stores.ts";
import { silentLog } from "#kit/log.ts";
import type { TestDatabase } from "../test-database.ts";
import { describeAccountStores } from "./account-suite.ts";
import { describeNotifications } from "./notification-suite.ts";
import { describeOperationStores } from "./operation-suite.ts";
import { describeRouteStores } from "./route-suite.ts";
import { describeSiteStores } from "./site-suite.ts";
import type { StoreContext } from "./store-builders.ts";

/** Everything that the stores promise, on one kind of server. */
export function describeStores(name: string, createDatabase: () => Promise<TestDatabase>): void {
  describe(name, () => {
    let context: StoreContext | undefined;
    let database: TestDatabase | undefined;

    beforeAll(async () => {
      database = await createDatabase();
      const db = openDatabase({ url: database.url, maxConnections: 10, log: silentLog() });
      const worker = createWorkerStores(db);
      context = { db, stores: { ...createStores(db), reconcilerSites: worker.sites, operationQueue: worker.queue }, url: database.url };
    });

    afterAll(async () => {
      await context?.db.destroy();
      await database?.drop();
    });

    const get = (): StoreContext => {
      if (context === undefined) throw new Error("the database is not open");
      return context;
    };
    describeAccountStores(get);
    describeSiteStores(get);
    // In a group of its own: it empties the queue before each test.
    describe("operations", () => describeOperationStores(get));
    describeRouteStores(get);
    describeNotifications(get);
  });
}
