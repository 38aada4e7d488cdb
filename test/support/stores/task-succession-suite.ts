import { beforeEach, describe, expect, it } from "vitest";
import type { ClaimedTask, TaskQueue } from "#core/tasks/task-queue.ts";
import { createWorkerStores } from "#db/stores.ts";
import { anActor, aSite, type StoreContext } from "./store-builders.ts";
import { anOutcome, expireLease, queueTask } from "./task-builders.ts";

const request = { worker: "w1", leaseMs: 30_000, perSite: 2 };

/** What a queue has to do when a task ends and another is to be claimed in its place. */
export function describeTaskSuccession(get: () => StoreContext): void {
  let fresh: TaskQueue | undefined;
  beforeEach(async () => {
    await get().db.deleteFrom("tasks").execute();
    // One that has just met limits does not ask for a while.
    fresh = createWorkerStores(get().db).tasks;
  });

  const queue = (): TaskQueue => fresh ?? get().stores.taskQueue;
  const claim = (limit: number) => queue().claim({ ...request, limit });
  const claimOne = async (): Promise<ClaimedTask> => {
    const [claimed] = await claim(1);
    if (claimed === undefined) throw new Error("nothing to claim");
    return claimed;
  };
  const read = async (uid: string) => get().stores.tasks.forActor(await anActor(get(), "administrator"), uid);

  describe("the end of a task", () => {
    it("brings the next one in its turn, under the next attempt and a fence of its own", async () => {
      const first = await queueTask(get(), { priority: 9 });
      const later = await queueTask(get());
      const sooner = await queueTask(get(), { priority: 5, sealedEnvironment: "v1:sealed", environmentNames: ["A"] });
      const { isWritten, next } = await queue().finishAndClaim(await claimOne(), anOutcome(), request);
      expect(isWritten).toBe(true);
      expect(next).toEqual({
        ...sooner,
        ...{ state: "running", attempt: 1, fence: 1, worker: "w1", sealedEnvironment: "v1:sealed", isStarted: false, isTakenOver: false, siteLimits: null },
      });
      expect(await read(first.uid)).toMatchObject({ state: "succeeded" });
      expect(await read(later.uid)).toMatchObject({ state: "queued", attempt: 0 });
      expect(await queue().finish(next as ClaimedTask, anOutcome())).toBe(true);
    });

    it("brings none when nothing waits, or nothing is due", async () => {
      await queueTask(get());
      const held = await claimOne();
      await queueTask(get(), { runAt: new Date(Date.now() + 60_000) });
      expect(await queue().finishAndClaim(held, anOutcome(), request)).toEqual({ isWritten: true, next: null });
    });

    it("brings each of several that end at once another one, and none twice", async () => {
      for (let count = 0; count < 9; count += 1) await queueTask(get());
      const held = await claim(5);
      const answers = await Promise.all(held.map((task) => queue().finishAndClaim(task, anOutcome(), request)));
      expect(answers.map(({ isWritten }) => isWritten)).toEqual([true, true, true, true, true]);
      const nexts = answers.flatMap(({ next }) => next ?? []);
      expect(new Set(nexts.map(({ uid }) => uid)).size).toBe(4);
      expect(nexts.every(({ fence, worker }) => fence === 1 && worker === "w1")).toBe(true);
      expect(await claim(10)).toEqual([]);
    });

    it("brings none that a limit may concern, but leaves it to those who look", async () => {
      const { site } = await aSite(get());
      await queueTask(get());
      const held = await claimOne();
      const ofSite = await queueTask(get(), { siteId: site.id });
      expect(await queue().finishAndClaim(held, anOutcome(), request)).toEqual({ isWritten: true, next: null });
      expect((await claim(1)).map(({ uid }) => uid)).toEqual([ofSite.uid]);
    });

    it("is not written for a task that is another's by now, and says so", async () => {
      await queueTask(get());
      const earlier = await claimOne();
      await expireLease(get(), earlier);
      const later = await claimOne();
      expect(await queue().finishAndClaim(earlier, anOutcome(), request)).toMatchObject({ isWritten: false });
      expect(await queue().finish(later, anOutcome())).toBe(true);
    });

    it("brings none when it is tried again", async () => {
      const [one] = [await queueTask(get()), await queueTask(get())];
      const retry = anOutcome({ kind: "retry", afterMs: 60_000, reason: "It exited 3; trying again." });
      expect(await queue().finishAndClaim(await claimOne(), retry, request)).toEqual({ isWritten: true, next: null });
      expect(await read(one.uid)).toMatchObject({ state: "queued", attempt: 1 });
    });

    it("keeps why it was cancelled, when somebody had said so", async () => {
      const task = await queueTask(get());
      const held = await claimOne();
      await get().db.updateTable("tasks").set({ reason: "A later run of its schedule took its place." }).where("id", "=", task.id).execute();
      await queue().finish(held, anOutcome({ kind: "end", state: "cancelled", reason: null }));
      expect(await read(task.uid)).toMatchObject({ state: "cancelled", reason: "A later run of its schedule took its place." });
    });
  });
}
