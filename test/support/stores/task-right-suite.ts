import { sql } from "kysely";
import { beforeEach, describe, expect, it } from "vitest";
import type { User } from "#core/accounts/user.ts";
import { createWorkerStores } from "#db/stores.ts";
import { aSchedule } from "./schedule-builders.ts";
import { actorOf, anActor, aSite, aUser, type StoreContext } from "./store-builders.ts";
import { anOutcome, queueTask } from "./task-builders.ts";

const request = { worker: "w1", leaseMs: 30_000, perSite: 100 };
const reason = "The person on whose behalf it was to run may not run tasks here any more. Run it again to run it on yours.";

type Site = Awaited<ReturnType<typeof aSite>>["site"];
type Loss = (context: StoreContext, user: User, site: Site) => Promise<unknown>;

/** What takes the right to run tasks in a site from one of its editors. */
const losses: Readonly<Record<string, Loss>> = {
  "is no member any more": ({ stores }, user, site) => stores.sites.removeMember(site, user.id),
  "may only look at it now": ({ stores }, user, site) => stores.sites.setMember(site, user.id, "viewer"),
  "may not sign in any more": ({ stores }, user) => stores.users.update(user.id, { isActive: false }),
  "is gone": ({ db }, user) => db.deleteFrom("users").where("id", "=", user.id).execute(),
};

/** What the queue of tasks has to do about people who may not do any more what they have queued. */
export function describeTaskRights(get: () => StoreContext): void {
  beforeEach(() => get().db.deleteFrom("tasks").execute());

  // Each time anew: one that has just met limits does not ask for a while whether there are any.
  const claim = async (limit = 10) => (await createWorkerStores(get().db).tasks.claim({ ...request, limit })).map(({ uid }) => uid);
  const read = async (uid: string) => get().stores.tasks.forActor(await anActor(get(), "administrator"), uid);
  const stateOf = async (uid: string) => {
    const task = await read(uid);
    return [task?.state, task?.reason];
  };
  const rejected = ["rejected", reason];
  const anEditor = async () => {
    const { site } = await aSite(get());
    const user = await aUser(get());
    await get().stores.sites.setMember(site, user.id, "editor");
    return { site, user };
  };

  describe("what waits", () => {
    it.each(Object.entries(losses))("is refused when whoever queued it %s, and others' tasks go on", async (_, lose) => {
      const { site, user } = await anEditor();
      const [theirs, later] = [
        await queueTask(get(), { siteId: site.id, createdById: user.id, priority: 9 }),
        await queueTask(get(), { siteId: site.id, createdById: user.id, runAt: new Date(Date.now() + 60_000) }),
      ];
      const nobodys = await queueTask(get(), { siteId: site.id });
      await lose(get(), user, site);
      expect(await claim(1)).toEqual([nobodys.uid]);
      expect(await stateOf(theirs.uid)).toEqual(rejected);
      // It may be theirs again by then.
      expect(await read(later.uid)).toMatchObject({ state: "queued" });
    });

    it.each(["owner", "editor"] as const)("runs as long as whoever queued it is an active %s of the site", async (role) => {
      const { site, user } = await anEditor();
      await get().stores.sites.setMember(site, user.id, role);
      const { uid } = await queueTask(get(), { siteId: site.id, createdById: user.id });
      expect(await claim()).toEqual([uid]);
    });

    it("of an administrator runs in every site, until they are one no more", async () => {
      const { site } = await aSite(get());
      const [one, other] = [await aUser(get(), "administrator"), await aUser(get(), "administrator")];
      const stays = await queueTask(get(), { siteId: site.id, createdById: one.id });
      const ends = await queueTask(get(), { siteId: site.id, createdById: other.id });
      await get().stores.users.update(other.id, { role: "member" });
      expect(await claim()).toEqual([stays.uid]);
      expect(await stateOf(ends.uid)).toEqual(rejected);
    });

    it.each([
      ["is no administrator any more", { role: "member" }],
      ["may not sign in any more", { isActive: false }],
    ] as const)("in the home folder is refused when whoever queued it %s", async (_, changes) => {
      const [stays, goes] = [await aUser(get(), "administrator"), await aUser(get(), "administrator")];
      const theirs = await queueTask(get(), { createdById: goes.id, priority: 9 });
      const own = await queueTask(get(), { createdById: stays.id });
      expect(await claim(1)).toEqual([theirs.uid]);
      const again = await queueTask(get(), { createdById: goes.id, priority: 9 });
      await get().stores.users.update(goes.id, changes);
      expect(await claim()).toEqual([own.uid]);
      expect(await stateOf(again.uid)).toEqual(rejected);
      expect(await read(theirs.uid)).toMatchObject({ state: "running" });
    });

    it("in the home folder is refused when a task ends, too", async () => {
      const goes = await aUser(get(), "administrator");
      await aUser(get(), "administrator");
      await queueTask(get(), { createdById: goes.id, priority: 9 });
      const theirs = await queueTask(get(), { createdById: goes.id });
      const queue = createWorkerStores(get().db).tasks;
      const [held] = await queue.claim({ ...request, limit: 1 });
      if (held === undefined) throw new Error("nothing to claim");
      await get().stores.users.update(goes.id, { role: "member" });
      expect(await queue.finishAndClaim(held, anOutcome(), request)).toEqual({ isWritten: true, next: null });
      expect(await claim()).toEqual([]);
      expect(await stateOf(theirs.uid)).toEqual(rejected);
    });

    it("of a schedule is refused when whoever set it may not run it any more", async () => {
      const { site, user } = await anEditor();
      const schedule = await aSchedule(get(), actorOf(user), { siteId: site.id });
      const first = await queueTask(get(), { siteId: site.id, scheduleId: schedule.id });
      const second = await queueTask(get(), { siteId: site.id, scheduleId: schedule.id });
      expect(await claim()).toEqual([first.uid]);
      await get().db.updateTable("tasks").set({ state: "succeeded" }).where("uid", "=", first.uid).execute();
      await get().stores.sites.removeMember(site, user.id);
      expect(await claim()).toEqual([]);
      expect(await stateOf(second.uid)).toEqual(rejected);
    });

    it("is found behind any number of tasks of somebody who may not run them any more", async () => {
      const { db, stores } = get();
      const { site, user } = await anEditor();
      const first = await queueTask(get(), { siteId: site.id, createdById: user.id, priority: 1 });
      await sql`insert into tasks (uid, site_id, site_name, program, script, arguments, retry, limits, created_by_id, created_by, priority)
        select gen_random_uuid(), site_id, site_name, program, script, arguments, retry, limits, created_by_id, created_by, 1
        from tasks, generate_series(1, 1000) where uid = ${first.uid}`.execute(db);
      const other = await queueTask(get());
      await stores.sites.removeMember(site, user.id);
      expect(await claim()).toEqual([other.uid]);
      const { rows } = await sql<{ count: number }>`select count(*)::int from tasks where state = 'rejected'`.execute(db);
      expect(rows).toEqual([{ count: 1001 }]);
    });
  });
}
