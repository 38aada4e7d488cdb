import { expect, test } from "vitest";
import type { ForgetReply } from "#core/tasks/run-host.ts";
import { silentLog } from "#kit/log.ts";
import { sweepTasks } from "./task-sweep.ts";

/** An archive of so many old tasks, and a host that answers as the test says. */
function stage(count: number, answer: (uid: string) => ForgetReply = () => "forgotten") {
  const old = new Set(Array.from({ length: count }, (_, n) => `t${n}`));
  const cancelled: string[] = [];
  let now = 0;
  const sweep = () =>
    sweepTasks({
      archive: {
        removeLeftovers: async () => undefined,
        endedLongAgo: async ({ limit }) => [...old].slice(0, limit).map((uid) => ({ uid, attempt: 2 })),
        remove: async (uids) => uids.forEach((uid) => void old.delete(uid)),
      },
      host: {
        forget: async (uid) => {
          now += 1;
          return answer(uid);
        },
        cancel: async ({ uid, attempt }) => {
          cancelled.push(`${uid} ${attempt}`);
          return { kind: "unknown" };
        },
      },
      clock: { now: () => now },
      log: silentLog(),
      keepMs: 1,
    });
  return { old, cancelled, sweep };
}

test("a pass goes on until nothing old is left", async () => {
  const { old, sweep } = stage(3_000);
  await sweep();
  expect(old.size).toBe(0);
});

test("a pass ends after ten seconds, and the next one goes on", async () => {
  const { old, sweep } = stage(12_000);
  await sweep();
  expect(old.size).toBe(2_000);
  await sweep();
  expect(old.size).toBe(0);
});

test("a run that goes on after its task was given up is ended, and does not hold up the others", async () => {
  const { old, cancelled, sweep } = stage(500, (uid) => (uid === "t0" || uid === "t300" ? "running" : "forgotten"));
  await sweep();
  expect([...old]).toEqual(["t0", "t300"]);
  expect(cancelled).toEqual(["t0 2", "t300 2"]);
});

test("rows stay while the host is away: their output would be left for ever", async () => {
  const { old, sweep } = stage(500, () => "away");
  await sweep();
  expect(old.size).toBe(500);
});
