import type { Fleet } from "#core/nodes/fleet.ts";
import type { OldTask } from "#core/tasks/task-archive.ts";
import { TaskMeter } from "#core/tasks/task-meter.ts";
import { TaskRunner } from "#core/tasks/task-runner.ts";
import { systemTime } from "#core/tasks/task-time.ts";
import type { WakeupHealth } from "#core/tasks/task-wakeups.ts";
import type { Channel } from "#db/notifications.ts";
import type { createWorkerStores } from "#db/stores.ts";
import type { ComponentClient } from "#kit/component-client.ts";
import type { Log } from "#kit/log.ts";
import { createSeal } from "#kit/seal.ts";
import type { WorkerConfig } from "./config.ts";
import { createWakeups } from "./create-wakeups.ts";
import { OrchestratorRunHost } from "./orchestrator-run-host.ts";
import { sweepTasks } from "./task-sweep.ts";
import { renderWorkerMetrics } from "./worker-metrics.ts";

/** What running tasks is wired from. */
export interface TaskParts {
  readonly config: WorkerConfig;
  readonly stores: Pick<ReturnType<typeof createWorkerStores>, "tasks" | "taskOutbox" | "taskArchive">;
  readonly orchestrator: ComponentClient;
  readonly fleet: Pick<Fleet, "isSingle" | "placeRun" | "holdersOfRun" | "unplaceRun">;
  /** The cluster's secret. */
  readonly secret: Uint8Array;
  /** Unique among all workers. */
  readonly worker: string;
  readonly log: Log;
}

/** Tasks at work in a worker. */
export interface RunningTasks {
  hear(channel: Channel, payload: string): void;
  connected(): void;
  disconnected(): void;
  sweep(): Promise<void>;
  /** How its source of wake-ups is doing. */
  health(): WakeupHealth;
  /** In Prometheus' text format. */
  metrics(): Promise<string>;
  stop(): Promise<void>;
}

const dayMs = 86_400_000;

/** Begins to run tasks. */
export async function startTasks({ config, stores, orchestrator, fleet, secret, worker, log }: TaskParts): Promise<RunningTasks> {
  const host = new OrchestratorRunHost({
    orchestrator,
    ...(fleet.isSingle ? {} : { place: (run) => fleet.placeRun(run), holders: (uid) => fleet.holdersOfRun(uid), unplace: (uid) => fleet.unplaceRun(uid) }),
    seal: createSeal(secret, "task environment"),
    log,
    graceMs: config.BACKLOT_TASK_GRACE_SECONDS * 1000,
  });
  const source = createWakeups({ amqpUrl: config.AMQP_URL, outbox: stores.taskOutbox, log });
  const meter = new TaskMeter();
  const runner = new TaskRunner({
    ...{ queue: stores.tasks, host, wakeups: source.wakeups, time: systemTime, log, worker, meter },
    concurrency: config.BACKLOT_TASK_CONCURRENCY,
    perSite: config.BACKLOT_TASKS_PER_SITE,
    perPerson: config.BACKLOT_TASKS_PER_PERSON,
    leaseMs: config.BACKLOT_TASK_LEASE_SECONDS * 1000,
    runLostMs: config.BACKLOT_RUN_LOST_SECONDS * 1000,
    random: Math.random,
  });
  await runner.start();
  let swept: OldTask | null = null;
  return {
    hear(channel, payload) {
      if (channel === "tasks" && payload === "") source.heard();
      if (channel === "cancels") runner.cancel(payload);
    },
    connected() {
      source.connected();
      runner.hint();
    },
    disconnected: () => source.disconnected(),
    async sweep() {
      const keepMs = config.BACKLOT_TASK_KEEP_DAYS * dayMs;
      swept = await sweepTasks({ archive: stores.taskArchive, host, clock: systemTime, log, keepMs }, swept);
    },
    health: () => source.health(),
    async metrics() {
      // What this process counts is worth knowing while the database is away, too.
      const outbox = config.AMQP_URL === undefined ? null : await stores.taskOutbox.size().catch(() => null);
      const { isConnected } = source.health();
      return renderWorkerMetrics(meter, { running: runner.running, slots: config.BACKLOT_TASK_CONCURRENCY, isConnected, outbox });
    },
    async stop() {
      await runner.stop();
      await source.stop();
    },
  };
}
