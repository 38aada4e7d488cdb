import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import type { ClaimedOperation } from "#core/operations/operation-store.ts";
import { actorOf, anActor, aSite, aUser, newOperation, queueAll, reload, type StoreContext } from "./store-builders.ts";

const leaseMs = 30_000;

/** What operations and their queue have to do, whatever keeps them. */
export function describeOperationStores(get: () => StoreContext): void {
  // The queue is one for all sites: what other tests left in it would be claimed here.
  beforeEach(() => get().db.deleteFrom("operations").execute());

  const claim = (owner = "w1", limit = 10) => get().stores.operationQueue.claim({ owner, leaseMs, limit });
  const claimOne = async (owner = "w1"): Promise<ClaimedOperation> => {
    const [claimed] = await claim(owner, 1);
    if (claimed === undefined) throw new Error("nothing to claim");
    return claimed;
  };
  const expire = (id: string) =>
    get()
      .db.updateTable("operations")
      .set({ dueAt: new Date(Date.now() - 1000) })
      .where("id", "=", id)
      .execute();

  describe("operations as people see them", () => {
    it("are seen by whoever asked, by members and by administrators", async () => {
      const { operations, sites } = get().stores;
      const { actor, site } = await aSite(get());
      const [asker, viewer, stranger, administrator] = [await anActor(get()), await aUser(get()), await anActor(get()), await anActor(get(), "administrator")];
      await sites.setMember(site, viewer.id, "viewer");
      const steps = [
        { name: "start", title: "Start" },
        { name: "switch", title: "Switch" },
      ];
      const queued = await operations.queue(site, newOperation({ requestedById: asker.user.id, input: { a: [1, { b_c: null }] }, steps }));
      const waiting = { state: "waiting", attempt: 0, message: null, startedAt: null, finishedAt: null };
      expect(queued).toEqual({
        id: queued.id,
        kind: "restart",
        state: "queued",
        siteId: site.id,
        siteName: site.name,
        requestedBy: asker.user.username,
        requestedById: asker.user.id,
        input: { a: [1, { b_c: null }] },
        failure: null,
        steps: steps.map((step) => ({ ...step, ...waiting })),
        createdAt: queued.createdAt,
        startedAt: null,
        finishedAt: null,
      });
      for (const who of [actor, asker, actorOf(viewer), administrator]) expect(await operations.forActor(who, queued.id)).toEqual(queued);
      expect(await operations.forActor(stranger, queued.id)).toBeNull();
      for (const id of [randomUUID(), "", "1", `${queued.id}\0`, "' or 1=1"]) expect(await operations.forActor(administrator, id)).toBeNull();
    });

    it("are listed by site, newest first, in pages", async () => {
      const { site } = await aSite(get());
      const queued = await queueAll(get(), site, 3);
      const { operations } = get().stores;
      const first = await operations.listFor(site, { limit: 2 });
      const second = await operations.listFor(site, { limit: 2, cursor: first.next ?? "" });
      expect([...first.items, ...second.items]).toEqual(queued.toReversed());
      expect(second.next).toBeNull();
      expect((await operations.listFor(site, { limit: 2, cursor: "nonsense" })).items).toEqual(first.items);
    });
  });

  describe("the queue", () => {
    it("gives the oldest of each site, and the next one when that has ended", async () => {
      const { operationQueue } = get().stores;
      const { site } = await aSite(get());
      const { site: other } = await aSite(get());
      const [first, second] = await queueAll(get(), site, 2);
      const [elsewhere] = await queueAll(get(), other, 1);
      const claimed = await claim();
      expect(claimed.map(({ id }) => id)).toEqual([first?.id, elsewhere?.id]);
      expect(claimed[0]).toMatchObject({ state: "running", attempt: 1, startedAt: expect.any(Date) });
      expect(await claim()).toEqual([]);
      expect(await operationQueue.finish(claimed[0] as ClaimedOperation, "w1", { state: "succeeded" })).toBe(true);
      expect((await claim()).map(({ id }) => id)).toEqual([second?.id]);
    });

    it("gives no more than was asked for", async () => {
      for (let i = 0; i < 5; i++) await queueAll(get(), (await aSite(get())).site, 1);
      expect(await claim("w1", 3)).toHaveLength(3);
      expect(await claim("w2", 3)).toHaveLength(2);
    });

    it("records steps with their times, and ends an operation with what failed", async () => {
      const { operationQueue: queue, operations } = get().stores;
      const { actor, site } = await aSite(get());
      await queueAll(get(), site, 1);
      const held = await claimOne();
      expect(await queue.saveSteps(held, "w1", [{ position: 0, state: "running", attempt: 1, message: null }])).toBe(true);
      const running = (await operations.forActor(actor, held.id))?.steps[0];
      expect(running).toMatchObject({ state: "running", attempt: 1, startedAt: expect.any(Date), finishedAt: null });
      await queue.saveSteps(held, "w1", [{ position: 0, state: "waiting", attempt: 1, message: "Trying again: \0x" }]);
      await queue.saveSteps(held, "w1", [{ position: 0, state: "running", attempt: 2, message: null }]);
      await queue.saveSteps(held, "w1", [{ position: 0, state: "failed", attempt: 2, message: "no" }]);
      const failure = { code: "site_crashed", title: "It ended." };
      expect(await queue.finish(held, "w1", { state: "failed", failure })).toBe(true);
      const ended = await operations.forActor(actor, held.id);
      expect(ended).toMatchObject({ state: "failed", failure, finishedAt: expect.any(Date) });
      expect(ended?.steps[0]).toEqual({ ...running, state: "failed", attempt: 2, message: "no", finishedAt: expect.any(Date) });
      expect(await claim()).toEqual([]);
    });

    it("records that one step ended and the next began together, and the last one's end with the operation's", async () => {
      const { operationQueue: queue, operations } = get().stores;
      const { actor, site } = await aSite(get());
      const steps = [
        { name: "hold", title: "Let visitors wait" },
        { name: "stop", title: "Stop" },
      ];
      await operations.queue(site, newOperation({ steps }));
      const held = await claimOne();
      const ended = { position: 0, state: "succeeded", attempt: 1, message: "done" } as const;
      expect(await queue.saveSteps(held, "w1", [ended, { position: 1, state: "running", attempt: 1, message: null }])).toBe(true);
      const between = (await operations.forActor(actor, held.id))?.steps;
      expect(between).toMatchObject([
        { state: "succeeded", message: "done", finishedAt: expect.any(Date) },
        { state: "running", finishedAt: null },
      ]);
      const lastStep = { position: 1, state: "succeeded", attempt: 1, message: "all of it" } as const;
      expect(await queue.finish({ ...held, attempt: 7 }, "w1", { state: "succeeded", lastStep })).toBe(false);
      expect((await operations.forActor(actor, held.id))?.steps).toEqual(between);
      expect(await queue.finish(held, "w1", { state: "succeeded", lastStep })).toBe(true);
      const whole = await operations.forActor(actor, held.id);
      expect(whole?.steps.at(-1)).toMatchObject({ state: "succeeded", message: "all of it", finishedAt: expect.any(Date) });
    });

    it("gives an operation whose lease has ended to another, and the first can change nothing any more", async () => {
      const { operationQueue: queue, operations } = get().stores;
      const { actor, site } = await aSite(get());
      await queueAll(get(), site, 1);
      const lost = await claimOne("w1");
      await queue.saveSteps(lost, "w1", [{ position: 0, state: "succeeded", attempt: 1, message: null }]);
      await expire(lost.id);
      const [taken] = await claim("w2");
      expect(taken).toMatchObject({ id: lost.id, attempt: 2, startedAt: lost.startedAt, steps: [{ state: "succeeded" }] });
      const before = await operations.forActor(actor, lost.id);
      expect(await queue.renew(lost, "w1", leaseMs)).toBe(false);
      expect(await queue.saveSteps(lost, "w1", [{ position: 0, state: "failed", attempt: 1, message: "late" }])).toBe(false);
      expect(await queue.finish(lost, "w1", { state: "succeeded" })).toBe(false);
      expect(await queue.postpone(lost, "w1", 0)).toBe(false);
      expect(await operations.forActor(actor, lost.id)).toEqual(before);
    });

    it("refuses an earlier claim of the same owner too", async () => {
      const { operationQueue: queue } = get().stores;
      await queueAll(get(), (await aSite(get())).site, 1);
      const earlier = await claimOne("w1");
      await expire(earlier.id);
      const later = await claimOne("w1");
      expect(await queue.finish(earlier, "w1", { state: "succeeded" })).toBe(false);
      expect(await queue.finish(later, "w2", { state: "succeeded" })).toBe(false);
      expect(await queue.finish(later, "w1", { state: "succeeded" })).toBe(true);
      expect(await queue.finish(later, "w1", { state: "succeeded" })).toBe(false);
    });

    it("keeps an operation as long as its lease is renewed", async () => {
      const { operationQueue: queue } = get().stores;
      await queueAll(get(), (await aSite(get())).site, 1);
      const held = await claimOne();
      await expire(held.id);
      expect(await queue.renew(held, "w1", leaseMs)).toBe(true);
      expect(await claim("w2")).toEqual([]);
    });

    it("blocks the site while an operation is postponed, and says when it goes on", async () => {
      const { operationQueue: queue } = get().stores;
      const { site } = await aSite(get());
      await queueAll(get(), site, 2);
      const held = await claimOne();
      expect(await queue.postpone(held, "w1", 60_000)).toBe(true);
      expect(await queue.saveSteps(held, "w1", [{ position: 0, state: "succeeded", attempt: 1, message: null }])).toBe(false);
      expect(await claim()).toEqual([]);
      const dueMs = await queue.nextDueMs();
      expect(dueMs).toBeGreaterThan(50_000);
      expect(dueMs).toBeLessThanOrEqual(60_000);
      await expire(held.id);
      expect(await claimOne("w2")).toMatchObject({ id: held.id, attempt: 2 });
    });

    it("says when there is something to do, and does not count what is blocked", async () => {
      const { operationQueue: queue } = get().stores;
      expect(await queue.nextDueMs()).toBeNull();
      const { site } = await aSite(get());
      await queueAll(get(), site, 2);
      expect(await queue.nextDueMs()).toBe(0);
      await claimOne();
      const dueMs = await queue.nextDueMs();
      expect(dueMs).toBeGreaterThan(leaseMs - 5_000);
      expect(dueMs).toBeLessThanOrEqual(leaseMs + 5_000);
    });

    it("holds so many of a site, more for administrators, and its deletion in any case", async () => {
      const { operations, sites } = get().stores;
      const { actor, site } = await aSite(get());
      const { site: other } = await aSite(get());
      const administrator = await anActor(get(), "administrator");
      const ask = (requestedById: number | null) => operations.queue(site, newOperation({ requestedById }));
      const outcomes = await Promise.allSettled(Array.from({ length: 30 }, () => ask(actor.user.id)));
      expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(20);
      await expect(ask(actor.user.id)).rejects.toMatchObject({ code: "site_busy" });
      await expect(sites.update(site, () => ({ changes: { description: "x" }, operation: newOperation() }))).rejects.toMatchObject({ code: "site_busy" });
      expect((await reload(get(), actor, site)).description).toBe(site.description);
      for (let i = 0; i < 20; i++) await ask(administrator.user.id);
      await expect(ask(administrator.user.id)).rejects.toMatchObject({ code: "site_busy" });
      expect(await operations.queue(other, newOperation())).toMatchObject({ state: "queued" });
      expect(await sites.delete(site, newOperation({ kind: "delete" }))).toMatchObject({ kind: "delete", state: "queued" });
    });

    it("has room again when one has ended", async () => {
      const { operationQueue: queue, operations } = get().stores;
      const { site } = await aSite(get());
      await queueAll(get(), site, 20);
      await queue.finish(await claimOne(), "w1", { state: "succeeded" });
      expect(await operations.queue(site, newOperation())).toMatchObject({ state: "queued" });
    });

    it("takes the reconciler's operation only when the site has none", async () => {
      const { operationQueue: queue } = get().stores;
      const { site } = await aSite(get());
      const queued = await queue.queueForReconciler(site.id, newOperation());
      expect(queued).toMatchObject({ state: "queued", requestedBy: null, siteName: site.name });
      expect(await queue.queueForReconciler(site.id, newOperation())).toBeNull();
      const held = await claimOne();
      expect(await queue.queueForReconciler(site.id, newOperation())).toBeNull();
      await queue.finish(held, "w1", { state: "succeeded" });
      const many = await Promise.all(Array.from({ length: 8 }, () => queue.queueForReconciler(site.id, newOperation())));
      expect(many.filter((one) => one !== null)).toHaveLength(1);
      for (const id of [2_000_000_000, 99_999_999_999, 0]) expect(await queue.queueForReconciler(id, newOperation())).toBeNull();
    });

    it("lets a deletion end that has removed its own site", async () => {
      const { operationQueue: queue, operations, reconcilerSites, sites } = get().stores;
      const { actor, site } = await aSite(get());
      await sites.delete(site, newOperation({ kind: "delete", requestedById: actor.user.id }));
      const held = await claimOne();
      await reconcilerSites.remove(site.id);
      await expire(held.id);
      const resumed = await claimOne("w2");
      expect(resumed).toMatchObject({ siteId: null, attempt: 2 });
      expect(await queue.finish(resumed, "w2", { state: "succeeded" })).toBe(true);
      expect(await operations.forActor(actor, held.id)).toMatchObject({ state: "succeeded", siteId: null });
    });
  });

  it("twenty claimers never run two operations on one site, each runs in the order of queueing, and every one ends", { timeout: 120_000 }, async () => {
    const { operationQueue: queue } = get().stores;
    const sites = await Promise.all(Array.from({ length: 6 }, async () => (await aSite(get())).site));
    const [producers, each] = [5, 3];
    const running = new Set<number>();
    const order = new Map<number, string[]>();
    const overlaps: string[] = [];
    const all = sites.length * producers * each;
    let left = all;
    const producing = Promise.all(sites.flatMap((site) => Array.from({ length: producers }, () => queueAll(get(), site, each))));
    const work = async (owner: string): Promise<void> => {
      while (left > 0) {
        const claimed = await queue.claim({ owner, leaseMs, limit: 1 + Math.floor(Math.random() * 3) });
        if (claimed.length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
        for (const operation of claimed) {
          const id = operation.siteId ?? 0;
          if (running.has(id)) overlaps.push(operation.id);
          running.add(id);
          order.set(id, [...(order.get(id) ?? []), operation.id]);
        }
        for (const operation of claimed) {
          await queue.saveSteps(operation, owner, [{ position: 0, state: "succeeded", attempt: 1, message: null }]);
          running.delete(operation.siteId ?? 0);
          if (await queue.finish(operation, owner, { state: "succeeded" })) left--;
        }
      }
    };
    const stopAll = (error: unknown): never => {
      left = 0;
      throw error;
    };
    await Promise.all([producing.catch(stopAll), ...Array.from({ length: 20 }, (_, index) => work(`w${index}`).catch(stopAll))]);
    expect(overlaps).toEqual([]);
    for (const site of sites) {
      const queued = (await get().stores.operations.listFor(site, { limit: 200 })).items.map(({ id }) => id);
      expect(order.get(site.id)).toEqual(queued.toReversed());
    }
    expect([...order.values()].flat()).toHaveLength(all);
  });
}
