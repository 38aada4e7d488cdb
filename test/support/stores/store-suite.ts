import { afterAll, beforeAll, describe } from "vitest";
import { openDatabase } from "#db/database.ts";
import { createStores, createWorkerStores } from "#db/stores.ts";
import { silentLog } from "#kit/log.ts";
import type { TestDatabase } from "../test-database.ts";
import { describeAccountStores } from "./account-suite.ts";
import { describeAwakeSites } from "./awake-site-suite.ts";
import { describeCredentials } from "./credential-suite.ts";
import { describeDatabaseStores } from "./database-suite.ts";
import { describeLongHistories } from "./long-history-suite.ts";
import { describeNotifications } from "./notification-suite.ts";
import { describeOperationStores } from "./operation-suite.ts";
import { describeRouteStores } from "./route-suite.ts";
import { describeScheduleStores } from "./schedule-suite.ts";
import { describeSiteStores } from "./site-suite.ts";
import type { StoreContext } from "./store-builders.ts";
import { describeTaskQueue } from "./task-queue-suite.ts";
import { describeTaskRights } from "./task-right-suite.ts";
import { describeTaskSuccession } from "./task-succession-suite.ts";
import { describeTaskStores } from "./task-suite.ts";

/** Everything that the stores promise, on one kind of server. */
export function describeStores(name: string, createDatabase: () => Promise<TestDatabase>): void {
  describe(name, () => {
    let context: StoreContext | undefined;
    let database: TestDatabase | undefined;

    beforeAll(async () => {
      database = await createDatabase();
      const db = openDatabase({ url: database.url, maxConnections: 10, log: silentLog() });
      const worker = createWorkerStores(db);
      context = {
        db,
        stores: {
          ...createStores(db),
          reconcilerSites: worker.sites,
          reconcilerDatabases: worker.databases,
          operationQueue: worker.queue,
          taskQueue: worker.tasks,
          scheduleQueue: worker.schedules,
        },
        url: database.url,
      };
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
    describeCredentials(get);
    describeSiteStores(get);
    describeAwakeSites(get);
    describeDatabaseStores(get);
    // In a group of its own: it empties the queue before each test.
    describe("operations", () => describeOperationStores(get));
    describe("tasks", () => {
      describeTaskStores(get);
      describeTaskQueue(get);
      describeTaskSuccession(get);
      describeTaskRights(get);
    });
    describe("schedules", () => describeScheduleStores(get));
    describeLongHistories(get);
    describeRouteStores(get);
    describeNotifications(get);
  });
}
