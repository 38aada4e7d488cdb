import { randomUUID } from "node:crypto";
import { readCapabilities } from "#contract/internal/orchestrator.ts";
import type { SiteStore } from "#core/sites/site-store.ts";
import { CachedScriptShelf } from "#core/tasks/cached-script-shelf.ts";
import { scriptsOf } from "#core/tasks/orchestrator-scripts.ts";
import { type PlanTaskDeps, planTask } from "#core/tasks/plan-task.ts";
import type { createWorkerStores } from "#db/stores.ts";
import { systemClock } from "#kit/clock.ts";
import type { ComponentClient } from "#kit/component-client.ts";
import type { Log } from "#kit/log.ts";
import { createSeal } from "#kit/seal.ts";
import type { WorkerConfig } from "./config.ts";
import { Scheduler } from "./scheduler.ts";

/** What firing schedules is wired from. */
export interface ScheduleParts {
  readonly config: WorkerConfig;
  readonly stores: Pick<ReturnType<typeof createWorkerStores>, "schedules">;
  /** As people see them: a schedule runs on somebody's behalf, and no further than they may go. */
  readonly sites: SiteStore;
  readonly orchestrator: ComponentClient;
  /** The cluster's secret. */
  readonly secret: Uint8Array;
  readonly log: Log;
}

/** The orchestrator answers from memory; well within a schedule's lease. */
const timeoutMs = 10_000;

/** Begins to fire what falls due. */
export function startSchedules({ config, stores, sites, orchestrator, secret, log }: ScheduleParts): Scheduler {
  const planning: PlanTaskDeps = {
    sites,
    runPolicy: { mayEveryoneRunUnisolated: config.BACKLOT_UNISOLATED_FOR_ALL },
    // While nobody can tell nothing is refused: the orchestrator judges again itself.
    host: { capabilities: () => orchestrator.call(readCapabilities, { signal: AbortSignal.timeout(timeoutMs) }).catch(() => null) },
    scripts: new CachedScriptShelf(scriptsOf(orchestrator), systemClock),
    allowsCommands: config.BACKLOT_TASK_COMMANDS,
    seal: createSeal(secret, "task environment").seal,
    newId: randomUUID,
  };
  const scheduler = new Scheduler({
    queue: stores.schedules,
    sites,
    plan: (actor, wish) => planTask(planning, actor, wish),
    seal: createSeal(secret, "schedule environment"),
    maxWaiting: config.BACKLOT_TASKS_WAITING,
    log,
  });
  scheduler.start();
  return scheduler;
}
