import { sql } from "kysely";
import { beforeEach, describe, expect, it } from "vitest";
import type { ClaimedTask } from "#core/tasks/task-queue.ts";
import { anActor, aSite, newOperation, planned, type StoreContext } from "./store-builders.ts";
import { anOutcome, aResult, expireLease, type newTask, queueTask, succeed } from "./task-builders.ts";

const leaseMs = 30_000;

/** What the queue of tasks has to do, whatever keeps it. */
export function describeTaskQueue(get: () => StoreContext): void {
  // The queue is one for all: what other tests left in it would be claimed here.
  beforeEach(() => get().db.deleteFrom("tasks").execute());

  const queue = () => get().stores.taskQueue;
  const claim = (limit = 10, worker = "w1") => queue().claim({ worker, leaseMs, limit, perSite: 2 });
  const claimOne = async (worker = "w1"): Promise<ClaimedTask> => {
    const [claimed] = await claim(1, worker);
    if (claimed === undefined) throw new Error("nothing to claim");
    return claimed;
  };
  const uidsOf = (tasks: readonly { readonly uid: string }[]) => tasks.map(({ uid }) => uid);
  const read = async (uid: string) => get().stores.tasks.forActor(await anActor(get(), "administrator"), uid);
  const queueAll = async (count: number, changes: Parameters<typeof newTask>[0] = {}) => {
    const queued = [];
    for (let i = 0; i < count; i++) queued.push(await queueTask(get(), changes));
    return queued;
  };

  describe("the queue of tasks", () => {
    it("gives a task with its next attempt, its fence, its environment and its site's limits", async () => {
      const { site } = await aSite(get());
      const queued = await queueTask(get(), { siteId: site.id, sealedEnvironment: "v1:sealed", environmentNames: ["A"] });
      expect(await claim()).toEqual([
        {
          ...queued,
          state: "running",
          attempt: 1,
          fence: 1,
          worker: "w1",
          sealedEnvironment: "v1:sealed",
          isStarted: false,
          isTakenOver: false,
          siteLimits: site.limits,
        },
      ]);
      expect(await claim()).toEqual([]);
    });

    it("gives by priority, then by time, and nothing before its time", async () => {
      const [low] = await queueAll(1, { priority: -1 });
      const early = await queueTask(get(), { runAt: new Date(Date.now() - 60_000) });
      const [normal] = await queueAll(1);
      await queueTask(get(), { priority: 100, runAt: new Date(Date.now() + 60_000) });
      const [high] = await queueAll(1, { priority: 5 });
      expect(uidsOf(await claim(1))).toEqual([high?.uid]);
      expect(uidsOf(await claim())).toEqual([early.uid, normal?.uid, low?.uid]);
    });

    it("gives no more of a script than may run at once, in each site for itself, and goes on with others", async () => {
      const { site } = await aSite(get());
      const once = { script: "once.sh", scriptConcurrency: 1 };
      const [first, second] = await queueAll(2, once);
      const [there] = await queueAll(1, { ...once, siteId: site.id });
      const [other] = await queueAll(1);
      const claimed = await claim();
      expect(uidsOf(claimed)).toEqual([first?.uid, there?.uid, other?.uid]);
      await succeed(get(), claimed[0] as ClaimedTask);
      expect(uidsOf(await claim())).toEqual([second?.uid]);
    });

    it("gives no more of a site than may run there at once", async () => {
      const { site } = await aSite(get());
      const queued = await queueAll(4, { siteId: site.id });
      const first = await claim();
      expect(uidsOf(first)).toEqual(uidsOf(queued.slice(0, 2)));
      expect(await claim()).toEqual([]);
      await succeed(get(), first[1] as ClaimedTask);
      expect(uidsOf(await claim())).toEqual([queued[2]?.uid]);
    });

    it("gives no more of a member than may run at once in all sites, and finds others' tasks behind any number of theirs", async () => {
      const { db } = get();
      const [greedy, modest, teacher] = [await anActor(get()), await anActor(get()), await anActor(get(), "administrator")];
      const [one, two] = [await aSite(get()), await aSite(get())];
      for (const { site } of [one, two]) for (const { user } of [greedy, modest]) await get().stores.sites.setMember(site, user.id, "editor");
      const byGreedy = { siteId: one.site.id, createdById: greedy.user.id };
      const first = await queueTask(get(), byGreedy);
      await sql`insert into tasks (uid, site_id, site_name, program, script, arguments, retry, limits, created_by_id)
        select gen_random_uuid(), site_id, site_name, program, script, arguments, retry, limits, created_by_id
        from tasks, generate_series(1, 300) where uid = ${first.uid}`.execute(db);
      const [second] = await queueAll(2, { ...byGreedy, siteId: two.site.id });
      const others = [
        await queueTask(get(), { siteId: one.site.id, createdById: modest.user.id }),
        await queueTask(get(), { siteId: two.site.id, createdById: teacher.user.id }),
        await queueTask(get()),
      ];
      const limits = { leaseMs, limit: 10, perSite: 2, perPerson: 1 };
      expect(uidsOf(await queue().claim({ ...limits, worker: "w1" }))).toEqual([first.uid, ...uidsOf(others)]);
      expect(await queue().claim({ ...limits, worker: "w2" })).toEqual([]);
      expect(uidsOf(await queue().claim({ ...limits, worker: "w2", perPerson: 2 }))).toEqual([second?.uid]);
    });

    it("leaves places of a worker to administrators and the home folder", async () => {
      const queued = [];
      for (let i = 0; i < 3; i++) {
        const { actor: member, site } = await aSite(get());
        queued.push(await queueTask(get(), { siteId: site.id, createdById: member.user.id, priority: -i }));
      }
      const limits = { worker: "w1", leaseMs, perSite: 2, perPerson: 2, ofMembers: 2 };
      expect(await queue().claim({ ...limits, limit: 3 })).toHaveLength(2);
      expect(await queue().claim({ ...limits, limit: 1 })).toEqual([]);
      const own = await queueTask(get(), { priority: -9 });
      expect(uidsOf(await queue().claim({ ...limits, limit: 1 }))).toEqual([own.uid]);
      expect(uidsOf(await queue().claim({ ...limits, worker: "w2", limit: 3 }))).toEqual([queued[2]?.uid]);
    });

    it("finds what may run behind any number of tasks that have to wait, of every priority", async () => {
      const { db } = get();
      await queueAll(1, { script: "once.sh", scriptConcurrency: 1, priority: 9 });
      const held = await claimOne();
      await queueTask(get(), { script: "once.sh", scriptConcurrency: 1, priority: 9 });
      await sql`insert into tasks (uid, program, script, arguments, retry, limits, script_concurrency, priority)
        select gen_random_uuid(), program, script, arguments, retry, limits, script_concurrency, number % 10
        from tasks, generate_series(1, 3000) as number where state = 'queued'`.execute(db);
      await sql`insert into tasks (uid, program, script, arguments, retry, limits, priority, run_at)
        select gen_random_uuid(), program, 'later.sh', arguments, retry, limits, 10, now() + interval '1 hour' from tasks limit 500`.execute(db);
      const low = await queueTask(get(), { priority: -5 });
      const lower = await queueTask(get(), { priority: -6 });
      expect(uidsOf(await claim(1))).toEqual([low.uid]);
      expect(uidsOf(await claim())).toEqual([lower.uid]);
      expect(await claim()).toEqual([]);
      await succeed(get(), held);
      expect(await claim()).toMatchObject([{ priority: 9, program: { kind: "script", path: "once.sh" } }]);
    });

    it("gives a task whose lease has ended to another, under the same attempt, and the first can change nothing any more", async () => {
      await queueTask(get());
      const lost = await claimOne("w1");
      const startedAt = new Date("2026-11-22T10:00:00Z");
      expect(await queue().started(lost, { startedAt, diskBeforeBytes: 7 })).toBe(true);
      expect(await claim(10, "w2")).toEqual([]);
      await expireLease(get(), lost);
      const waiting = await queueTask(get(), { priority: 100 });
      const [taken, next] = await claim(10, "w2");
      expect(taken).toMatchObject({ uid: lost.uid, state: "running", attempt: 1, fence: 2, isStarted: true, isTakenOver: true, startedAt });
      expect(next?.uid).toBe(waiting.uid);
      const before = await read(lost.uid);
      expect(await queue().started(lost, { startedAt: new Date(), diskBeforeBytes: null })).toBe(false);
      expect(await queue().finish(lost, anOutcome())).toBe(false);
      expect(await queue().finish(lost, anOutcome({ kind: "retry", afterMs: 0, reason: "again" }))).toBe(false);
      expect(await queue().release(lost, { afterMs: 0, reason: "full" })).toBe(false);
      expect(await queue().renew([lost], { leaseMs })).toEqual({ lost: [lost.uid], cancelled: [] });
      await queue().handBack([lost]);
      expect(await read(lost.uid)).toEqual(before);
      expect(await claim(10, "w3")).toEqual([]);
    });

    it("refuses an earlier claim of the same worker too", async () => {
      await queueTask(get());
      const earlier = await claimOne();
      await expireLease(get(), earlier);
      const later = await claimOne();
      expect(await queue().finish(earlier, anOutcome())).toBe(false);
      expect(await queue().finish({ ...later, worker: "w2" }, anOutcome())).toBe(false);
      expect(await queue().finish(later, anOutcome())).toBe(true);
    });

    it("keeps every result, and never changes one again", async () => {
      const { stores } = get();
      const queued = await queueTask(get());
      const held = await claimOne();
      const result = aResult({ code: 3 });
      expect(await queue().finish(held, anOutcome({ kind: "end", state: "failed", reason: "It exited 3." }, { result }))).toBe(true);
      const ended = await read(queued.uid);
      expect(ended).toMatchObject({
        state: "failed",
        reason: "It exited 3.",
        attempt: 1,
        result,
        startedAt: anOutcome().startedAt,
        finishedAt: anOutcome().finishedAt,
      });
      expect(await queue().finish(held, anOutcome())).toBe(false);
      expect(await queue().release(held, { afterMs: 0, reason: "no" })).toBe(false);
      expect(await queue().started(held, { startedAt: new Date(), diskBeforeBytes: null })).toBe(false);
      expect(await queue().renew([held], { leaseMs })).toMatchObject({ lost: [queued.uid] });
      await queue().handBack([held]);
      await stores.tasks.requestCancel(queued);
      expect(await claim()).toEqual([]);
      expect(await read(queued.uid)).toEqual(ended);
    });

    it("queues a task once more as the next attempt, after a while, and keeps how the earlier one ended", async () => {
      const { db } = get();
      const queued = await queueTask(get());
      const held = await claimOne();
      const result = aResult({ code: 3 });
      expect(await queue().finish(held, anOutcome({ kind: "retry", afterMs: 60_000, reason: "It exited 3; trying again." }, { result }))).toBe(true);
      expect(await read(queued.uid)).toMatchObject({
        state: "queued",
        reason: "It exited 3; trying again.",
        attempt: 1,
        startedAt: null,
        finishedAt: null,
        result: null,
      });
      expect(await claim()).toEqual([]);
      expect(await queue().nextDueMs()).toBeGreaterThan(50_000);
      await db.updateTable("tasks").set({ runAt: new Date() }).execute();
      expect(await claim()).toMatchObject([{ uid: queued.uid, attempt: 2, fence: 2, isStarted: false, reason: null }]);
      expect(await db.selectFrom("taskAttempts").selectAll().execute()).toEqual([
        {
          taskId: queued.id,
          attempt: 1,
          worker: "w1",
          startedAt: anOutcome().startedAt,
          finishedAt: anOutcome().finishedAt,
          runEnd: "exited",
          code: 3,
          signal: null,
          reason: "It exited 3; trying again.",
          cpuMs: result.cpuMs,
          peakMemoryBytes: result.peakMemoryBytes,
        },
      ]);
      expect(await get().stores.tasks.earlierAttempts(queued)).toMatchObject([{ attempt: 1, end: "exited", code: 3, reason: "It exited 3; trying again." }]);
    });

    it("gives a task back that could not be started, as if it had not been claimed", async () => {
      const queued = await queueTask(get());
      const held = await claimOne();
      expect(await queue().release(held, { afterMs: 0, reason: "The machine is full." })).toBe(true);
      expect(await read(queued.uid)).toMatchObject({ state: "queued", reason: "The machine is full.", attempt: 0 });
      expect(await queue().release(held, { afterMs: 0, reason: "again" })).toBe(false);
      expect(await claim()).toMatchObject([{ uid: queued.uid, attempt: 1, fence: 2 }]);
    });

    it("ends a waiting task that is cancelled, and tells the worker of a running one", async () => {
      const { tasks } = get().stores;
      const [waiting, running] = [await queueTask(get(), { priority: -1 }), await queueTask(get())];
      const held = await claimOne();
      expect(await tasks.requestCancel(waiting)).toMatchObject({ state: "cancelled", finishedAt: expect.any(Date) });
      expect(await tasks.requestCancel(running)).toMatchObject({ state: "running", cancelRequestedAt: expect.any(Date) });
      expect(await queue().renew([held], { leaseMs })).toEqual({ lost: [], cancelled: [running.uid] });
      expect(await claim()).toEqual([]);
      expect(await queue().finish(held, anOutcome({ kind: "end", state: "cancelled", reason: null }))).toBe(true);
      expect(await read(running.uid)).toMatchObject({ state: "cancelled" });
    });

    it("queues a task that was cancelled neither for another attempt nor when it is given back", async () => {
      const { tasks } = get().stores;
      const [one, two] = await queueAll(2);
      const [first, second] = await claim();
      await tasks.requestCancel(first as ClaimedTask);
      await tasks.requestCancel(second as ClaimedTask);
      expect(await queue().finish(first as ClaimedTask, anOutcome({ kind: "retry", afterMs: 0, reason: "again" }))).toBe(true);
      expect(await queue().release(second as ClaimedTask, { afterMs: 0, reason: "full" })).toBe(true);
      expect(await read(one?.uid ?? "")).toMatchObject({ state: "cancelled", result: aResult(), finishedAt: anOutcome().finishedAt });
      expect(await read(two?.uid ?? "")).toMatchObject({ state: "cancelled", result: null, finishedAt: expect.any(Date) });
      expect(await claim()).toEqual([]);
    });

    it("gives what a worker hands back to the next at once", async () => {
      await queueAll(2);
      const held = await claim();
      await queue().handBack(held);
      expect(await claim(10, "w2")).toMatchObject(held.map(({ uid }) => ({ uid, attempt: 1, fence: 2 })));
    });

    it("keeps a lease as long as it is renewed", async () => {
      await queueTask(get());
      const held = await claimOne();
      await expireLease(get(), held);
      expect(await queue().renew([held], { leaseMs })).toEqual({ lost: [], cancelled: [] });
      expect(await claim(10, "w2")).toEqual([]);
    });

    it("refuses what waits in a site that was disabled, is being deleted or is gone", async () => {
      const { stores } = get();
      const [disabled, deleting, gone] = [await aSite(get()), await aSite(get()), await aSite(get())];
      const queued = [];
      for (const { site } of [disabled, deleting, gone]) queued.push(...(await queueAll(3, { siteId: site.id, priority: 1 })));
      const other = await queueTask(get());
      await stores.sites.update(disabled.site, planned({ availability: "disabled" }));
      await stores.sites.delete(deleting.site, newOperation({ kind: "delete" }));
      await stores.sites.delete(gone.site, newOperation({ kind: "delete" }));
      await stores.reconcilerSites.remove(gone.site.id);
      expect(uidsOf(await claim(1))).toEqual([other.uid]);
      const reasons = ["Its site was disabled.", "Its site is being deleted.", "Its site is gone."];
      for (const [i, task] of queued.entries()) {
        expect(await read(task.uid)).toMatchObject({ state: "rejected", reason: reasons[Math.floor(i / 3)], attempt: 0, finishedAt: expect.any(Date) });
      }
    });

    it("says when something falls due or a lease ends", async () => {
      expect(await queue().nextDueMs()).toBeNull();
      await queueTask(get(), { runAt: new Date(Date.now() + 90_000) });
      expect(await queue().nextDueMs()).toBeGreaterThan(80_000);
      await queueTask(get(), { script: "once.sh", scriptConcurrency: 1 });
      await claimOne();
      await queueTask(get(), { script: "once.sh", scriptConcurrency: 1 });
      const dueMs = (await queue().nextDueMs()) ?? 0;
      expect(dueMs).toBeGreaterThan(leaseMs - 5_000);
      expect(dueMs).toBeLessThanOrEqual(leaseMs);
    });
  });
}
