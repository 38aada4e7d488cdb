import type { TaskWakeups } from "#core/tasks/task-wakeups.ts";
import { openDatabase } from "#db/database.ts";
import { Listener } from "#db/listener.ts";
import { createStores } from "#db/stores.ts";
import { silentLog } from "#kit/log.ts";
import { manyTasks, newTask } from "../../test/support/stores/task-builders.ts";
import { taskWakeupsSuite } from "../../test/support/task-wakeups-suite.ts";
import { createTestDatabase } from "../../test/support/test-database.ts";
import { NotifyWakeups } from "./notify-wakeups.ts";

taskWakeupsSuite("PostgreSQL", async () => {
  const database = await createTestDatabase();
  const db = openDatabase({ url: database.url, maxConnections: 2, log: silentLog() });
  const { tasks } = createStores(db);
  return {
    open: () => listening(database.url),
    announce: async () => void (await tasks.create(newTask(), manyTasks)),
    async [Symbol.asyncDispose]() {
      await db.destroy();
      await database.drop();
    },
  };
});

/** As a worker has them: with a connection that listens. */
function listening(url: string): TaskWakeups {
  const wakeups = new NotifyWakeups();
  const listener = new Listener({
    url,
    log: silentLog(),
    onNotification: (channel, payload) => {
      if (channel === "tasks" && payload === "") wakeups.heard();
    },
    onConnected: () => wakeups.connected(),
    onDisconnected: () => wakeups.disconnected(),
  });
  return {
    async start(onWakeup) {
      await wakeups.start(onWakeup);
      listener.start();
    },
    resume: () => wakeups.resume(),
    health: () => wakeups.health(),
    async stop() {
      await wakeups.stop();
      await listener.stop();
    },
  };
}
