import { expect, test } from "vitest";
import type { ForgetReply } from "#core/tasks/run-host.ts";
import type { OldTask } from "#core/tasks/task-archive.ts";
import { silentLog } from "#kit/log.ts";
import { sweepTasks, type TaskSweepDeps } from "./task-sweep.ts";

/** An archive of so many old tasks, and a host that answers as the test says. */
function stage(count: number, answer: (uid: string) => ForgetReply = () => "forgotten") {
  const old = new Set(Array.from({ length: count }, (_, n) => `t${n}`));
  const cancelled: string[] = [];
  const asked: string[] = [];
  let [now, swept] = [0, null as OldTask | null];
  const task = (uid: string): OldTask => ({ uid, attempt: 2, endedAt: uid.slice(1) });
  const sweep = async (): Promise<void> => {
    const deps: TaskSweepDeps = {
      archive: {
        removeLeftovers: async () => undefined,
        endedLongAgo: async ({ limit, behind }) => {
          const from = behind === null ? -1 : Number(behind.endedAt);
          const found = [...old].map(task).filter(({ endedAt }) => Number(endedAt) > from);
          return found.slice(0, limit);
        },
        remove: async (uids) => uids.forEach((uid) => void old.delete(uid)),
      },
      host: {
        forget: async (uid) => {
          now += 1;
          asked.push(uid);
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
    };
    swept = await sweepTasks(deps, swept);
  };
  return { old, cancelled, asked, sweep };
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

test("what one host has that is away for good holds up nothing that others have", async () => {
  const isDead = (uid: string): boolean => Number(uid.slice(1)) < 450 || uid === "t700";
  const { old, sweep } = stage(1_000, (uid) => (isDead(uid) ? "away" : "forgotten"));
  for (let pass = 0; pass < 3; pass += 1) await sweep();
  expect(old.size).toBe(451);
  expect([...old].every(isDead)).toBe(true);
});

test("what was left is asked for again once the end was reached", async () => {
  let isAway = true;
  const { old, asked, sweep } = stage(300, () => (isAway ? "away" : "forgotten"));
  await sweep();
  expect([asked.length, asked[0]]).toEqual([200, "t0"]);
  await sweep();
  expect([asked.length, asked[200]]).toEqual([300, "t200"]);
  isAway = false;
  await sweep();
  await sweep();
  expect(old.size).toBe(0);
});
