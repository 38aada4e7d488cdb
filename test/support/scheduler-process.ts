// A scheduler in a process of its own, to be killed: says a line before each task that it plans.
import { flushCompileCache } from "node:module";
import { setTimeout as delay } from "node:timers/promises";
import { startScheduler } from "./scheduler-under-test.ts";
import { newTask } from "./stores/task-builders.ts";

const url = process.argv[2] ?? "";
// One that is killed would leave nothing of what it has compiled.
flushCompileCache();
startScheduler(url, {
  leaseMs: 300,
  plan: async (_, { body }) => {
    process.stdout.write("plans\n");
    // Spread, so that a kill meets some before, some within and some after their transaction.
    await delay(Math.random() * 10);
    return { task: newTask({ script: body.script ?? "none" }), site: null };
  },
});
