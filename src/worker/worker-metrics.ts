import { runEnds } from "#contract/task.ts";
import { type TaskMeter, waitBounds } from "#core/tasks/task-meter.ts";
import { processMetrics } from "#kit/http/server.ts";

/** What a worker's metrics say beside its counts. */
export interface WorkerGauges {
  readonly running: number;
  /** The most that run at once. */
  readonly slots: number;
  readonly isConnected: boolean;
  /** Messages that the broker has not confirmed; null where there is no broker, or the database does not say. */
  readonly outbox: number | null;
}

type Family = readonly [name: string, type: "gauge" | "counter" | "histogram", help: string, samples: readonly string[]];

/** A worker's metrics in Prometheus' text format. */
export function renderWorkerMetrics(meter: TaskMeter, { running, slots, isConnected, outbox }: WorkerGauges): string {
  const families: readonly Family[] = [
    ["tasks_running", "gauge", "Tasks that this worker holds.", [` ${running}`]],
    ["task_slots", "gauge", "The most tasks that this worker holds at once.", [` ${slots}`]],
    ["tasks_claimed_total", "counter", "Attempts of tasks that this worker has claimed.", [` ${meter.claimed}`]],
    ["task_attempts_ended_total", "counter", "Attempts that ended, by how.", runEnds.map((end) => `{end="${end}"} ${meter.ended.get(end) ?? 0}`)],
    ["task_queue_wait_seconds", "histogram", "How long tasks had been due when they were claimed.", waitSamples(meter)],
    ["task_wakeups_connected", "gauge", "Whether this worker hears of new tasks at once.", [` ${isConnected ? 1 : 0}`]],
    ...(outbox === null ? [] : [["task_outbox_messages", "gauge", "Messages that the broker has not confirmed, of all workers.", [` ${outbox}`]] as const]),
  ];
  return families.map(textOf).join("") + processMetrics();
}

function waitSamples({ claimed, waits, waitSeconds }: TaskMeter): readonly string[] {
  const buckets = waitBounds.map((bound, at) => `_bucket{le="${bound}"} ${waits[at] ?? 0}`);
  return [...buckets, `_bucket{le="+Inf"} ${claimed}`, `_sum ${waitSeconds}`, `_count ${claimed}`];
}

function textOf([name, type, help, samples]: Family): string {
  const full = `backlot_${name}`;
  return [`# HELP ${full} ${help}`, `# TYPE ${full} ${type}`, ...samples.map((sample) => `${full}${sample}`)].map((line) => `${line}\n`).join("");
}
