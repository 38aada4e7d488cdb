import { expect, test } from "vitest";
import { TaskMeter } from "#core/tasks/task-meter.ts";
import { renderWorkerMetrics } from "./worker-metrics.ts";

test("a worker's metrics are Prometheus' text, each family with its type", () => {
  const meter = new TaskMeter();
  meter.noteClaim({ runAt: new Date(0) }, 40);
  meter.noteEnd("timed-out");
  const text = renderWorkerMetrics(meter, { running: 2, slots: 4, isConnected: false, outbox: 7 });
  for (const line of [
    "# TYPE backlot_tasks_running gauge",
    "backlot_tasks_running 2",
    "backlot_task_slots 4",
    "backlot_tasks_claimed_total 1",
    'backlot_task_attempts_ended_total{end="timed-out"} 1',
    'backlot_task_attempts_ended_total{end="exited"} 0',
    "# TYPE backlot_task_queue_wait_seconds histogram",
    'backlot_task_queue_wait_seconds_bucket{le="0.025"} 0',
    'backlot_task_queue_wait_seconds_bucket{le="0.05"} 1',
    'backlot_task_queue_wait_seconds_bucket{le="+Inf"} 1',
    "backlot_task_queue_wait_seconds_sum 0.04",
    "backlot_task_queue_wait_seconds_count 1",
    "backlot_task_wakeups_connected 0",
    "backlot_task_outbox_messages 7",
  ])
    expect(text.split("\n")).toContain(line);
  expect(text).toMatch(/^process_resident_memory_bytes \d+$/m);
});

test("without a broker there is no outbox to tell of", () => {
  expect(renderWorkerMetrics(new TaskMeter(), { running: 0, slots: 1, isConnected: true, outbox: null })).not.toContain("outbox");
});
