import { describe, expect, it } from "vitest";
import type { ClaimedSchedule } from "#core/schedules/schedule-queue.ts";
import type { ActorSchedule, NewSchedule } from "#core/schedules/schedule-store.ts";
import { aFiring, aSchedule, newSchedule, onlyDue } from "./schedule-builders.ts";
import { describeScheduleMoves } from "./schedule-moves-suite.ts";
import { aName, anActor, aSite, newOperation, planned, type StoreContext } from "./store-builders.ts";
import { anOutcome, manyTasks, newTask, succeed } from "./task-builders.ts";

/** What schedules have to do, whatever keeps them. */
export function describeScheduleStores(get: () => StoreContext): void {
  describe("as people see them", () => describePeoplesSchedules(get));
  describe("that are moved", () => describeScheduleMoves(get));
  describe("as they fall due", () => describeDueSchedules(get));
  describe("and the tasks of earlier runs", () => describeOverlaps(get));
}

function describePeoplesSchedules(get: () => StoreContext): void {
  it("are kept as they were given, but for what the database cannot keep", async () => {
    const { schedules } = get().stores;
    const { actor, site } = await aSite(get());
    const wanted = newSchedule(actor, { siteId: site.id, name: "a\0b", task: { script: "x.sh", arguments: ["\0é"], site: site.name, environment: { A: "" } } });
    const made = await schedules.create(actor, { ...wanted, sealedEnvironment: "sealed" }, { most: 1 });
    const { siteId: _, createdById: __, ...words } = wanted;
    expect(made).toEqual({
      ...words,
      name: "ab",
      site: { id: site.id, name: site.name },
      task: { script: "x.sh", arguments: ["é"], site: site.name, environment: { A: "" } },
      sealedEnvironment: "sealed",
      problem: null,
      createdBy: { id: actor.user.id, username: actor.user.username },
      createdAt: made.createdAt,
      lastRun: null,
      actorSite: site,
    });
    expect(await schedules.forActor(actor, made.id)).toEqual(made);
  });

  it("are those of sites that somebody is a member of; for administrators every one, also of the home folder", async () => {
    const { schedules, sites } = get().stores;
    const { actor, site } = await aSite(get());
    const [viewer, stranger, administrator] = [await anActor(get()), await anActor(get()), await anActor(get(), "administrator")];
    await sites.setMember(site, viewer.user.id, "viewer");
    const [ofSite, ofHome] = [await aSchedule(get(), actor, { siteId: site.id }), await aSchedule(get(), administrator)];
    const sees = async (who: typeof actor) => {
      const listed = await schedules.listFor(who, {}, { limit: 1000 });
      const found = await Promise.all([ofSite, ofHome].map(({ id }) => schedules.forActor(who, id)));
      return [ofSite, ofHome].map(({ id }, index) => [listed.items.some((schedule) => schedule.id === id), found[index] !== null]);
    };
    expect(await sees(actor)).toEqual([
      [true, true],
      [false, false],
    ]);
    expect(await sees(viewer)).toEqual([
      [true, true],
      [false, false],
    ]);
    expect(await sees(stranger)).toEqual([
      [false, false],
      [false, false],
    ]);
    expect(await sees(administrator)).toEqual([
      [true, true],
      [true, true],
    ]);
    expect((await schedules.forActor(viewer, ofSite.id))?.actorSite?.role).toBe("viewer");
    expect((await schedules.forActor(administrator, ofHome.id))?.actorSite).toBeNull();
    for (const id of ["", "nonsense", "1", "a\0b"]) expect(await schedules.forActor(administrator, id)).toBeNull();
  });

  it("are listed by name in pages, also where names are the same, and of one site where asked", async () => {
    const { schedules } = get().stores;
    const { actor, site } = await aSite(get());
    for (const name of ["b", "a\nx", "c", "b", "b"]) await aSchedule(get(), actor, { siteId: site.id, name });
    const other = await aSite(get());
    await get().stores.sites.setMember(other.site, actor.user.id, "editor");
    await aSchedule(get(), other.actor, { siteId: other.site.id, name: "aa" });
    const names: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await schedules.listFor(actor, { siteId: site.id }, { limit: 2, cursor });
      names.push(...page.items.map(({ name }) => name));
      cursor = page.next ?? undefined;
    } while (cursor !== undefined);
    expect(names).toEqual(["a\nx", "b", "b", "b", "c"]);
    expect((await schedules.listFor(actor, {}, { limit: 50, cursor: "nonsense" })).items.map(({ name }) => name)).toEqual(["a\nx", "aa", "b", "b", "b", "c"]);
  });

  it("are no more than the limit in one place, also when several are made at once", async () => {
    const { schedules } = get().stores;
    const { actor, site } = await aSite(get());
    const create = () => schedules.create(actor, newSchedule(actor, { siteId: site.id }), { most: 2 });
    const results = await Promise.allSettled([create(), create(), create(), create()]);
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(2);
    await expect(create()).rejects.toMatchObject({ code: "schedule_limit_reached", details: { count: 2 } });
    await schedules.delete((await schedules.listFor(actor, {}, { limit: 1 })).items[0] as ActorSchedule);
    await create();
  });

  it("cannot be made in a site that is going, and go with it; their tasks stay", async () => {
    const { db, stores } = get();
    const { actor, site } = await aSite(get());
    const schedule = await aSchedule(get(), actor, { siteId: site.id });
    const { task } = await stores.tasks.create(newTask({ scheduleId: schedule.id, siteId: site.id }), manyTasks);
    await stores.sites.delete(site, newOperation({ kind: "delete" }));
    await expect(aSchedule(get(), actor, { siteId: site.id })).rejects.toMatchObject({ code: "site_being_deleted" });
    await stores.reconcilerSites.remove(site.id);
    expect(await db.selectFrom("schedules").select("id").where("id", "=", schedule.id).execute()).toEqual([]);
    expect(await db.selectFrom("tasks").select(["scheduleId", "scheduleName"]).where("uid", "=", task.uid).execute()).toEqual([
      { scheduleId: null, scheduleName: schedule.name },
    ]);
    await expect(aSchedule(get(), actor, { siteId: site.id })).rejects.toMatchObject({ code: "site_not_found" });
  });

  it("follow their site's new name, and change as told", async () => {
    const { schedules, sites } = get().stores;
    const { actor, site } = await aSite(get());
    const other = await anActor(get(), "administrator");
    const schedule = await aSchedule(get(), actor, { siteId: site.id });
    const name = aName("s");
    await sites.update(site, planned({ name }, newOperation({ kind: "rename" })));
    expect(await schedules.forActor(actor, schedule.id)).toMatchObject({ site: { id: site.id, name }, task: { site: name } });
    const given = { isPaused: true, nextAt: null, createdById: other.user.id, name: "new" };
    const changed = await schedules.update(other, schedule, { changes: given, most: 1 });
    expect(changed).toMatchObject({
      isPaused: true,
      nextAt: null,
      createdBy: { id: other.user.id },
      name: "new",
      cron: schedule.cron,
      task: { script: "ls.sh" },
    });
    // Decided by what it was before.
    expect(await schedules.update(actor, schedule, { changes: { cron: "0 4 * * *" }, most: 1 })).toBeNull();
    expect(await schedules.forActor(actor, schedule.id)).toMatchObject({ cron: schedule.cron });
    await schedules.delete(schedule);
    await schedules.delete(schedule);
    await expect(schedules.update(other, schedule, { changes: { name: "x" }, most: 1 })).rejects.toMatchObject({ code: "schedule_not_found" });
  });
}

function describeDueSchedules(get: () => StoreContext): void {
  it("are claimed longest due first, with whoever they run for; not those that wait, are paused or are held", async () => {
    const { db, stores } = get();
    const actor = await anActor(get(), "administrator");
    const [first, second, waits, paused] = [
      await aSchedule(get(), actor),
      await aSchedule(get(), actor),
      await aSchedule(get(), actor),
      await aSchedule(get(), actor, { isPaused: true }),
    ];
    await onlyDue(db, [first, second, paused]);
    await db
      .updateTable("schedules")
      .set({ nextAt: new Date("2026-10-31T10:00:00Z") })
      .where("id", "=", second.id)
      .execute();
    await db
      .updateTable("schedules")
      .set({ nextAt: new Date("2099-01-01T00:00:00Z") })
      .where("id", "=", waits.id)
      .execute();
    const claims = await stores.scheduleQueue.claim({ leaseMs: 60_000, limit: 10 });
    expect(claims.map(({ id }) => id)).toEqual([second.id, first.id]);
    expect(claims[0]).toMatchObject({ fence: 1, dueAt: new Date("2026-10-31T10:00:00Z"), behalf: actor.user, task: first.task });
    expect(Math.abs((claims[0]?.now.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
    expect(await stores.scheduleQueue.claim({ leaseMs: 60_000, limit: 10 })).toEqual([]);
    expect(await stores.scheduleQueue.nextDueMs()).toBeGreaterThan(50_000);
    expect(await stores.scheduleQueue.nextDueMs()).toBeLessThanOrEqual(60_000);
  });

  it("come again when the lease has ended, and the earlier claim can write nothing any more", async () => {
    const { claim: before } = await dueSchedule(get(), {}, 0);
    const [after] = await get().stores.scheduleQueue.claim({ leaseMs: 60_000, limit: 1 });
    expect(after).toMatchObject({ id: before.id, fence: before.fence + 1 });
    await expectFenced(get(), before);
    const { created } = (await get().stores.scheduleQueue.fire(after as ClaimedSchedule, aFiring(before), manyTasks)) ?? {};
    expect(created).toHaveLength(1);
  });

  it("are another's no more when a person has changed or deleted them since", async () => {
    const { claim, schedule, actor } = await dueSchedule(get());
    await get().stores.schedules.update(actor, schedule, { changes: { name: "changed" }, most: 1 });
    await expectFenced(get(), claim);
    await get().stores.schedules.delete(schedule);
    await expectFenced(get(), claim);
  });

  it("create their tasks and move on in one go, with what was wrong, or nothing", async () => {
    const { stores } = get();
    const { claim, schedule, actor } = await dueSchedule(get());
    const firing = aFiring(claim, { runs: 2, problem: "a\0b" });
    await expect(stores.scheduleQueue.fire(claim, firing, { maxWaiting: 0 })).rejects.toMatchObject({ code: "task_limit_reached" });
    const [good, bad] = firing.tasks;
    if (good === undefined || bad === undefined) throw new Error("no tasks");
    const broken = { ...firing, tasks: [good, { ...bad, siteId: 2_000_000_000 }] };
    await expect(stores.scheduleQueue.fire(claim, broken, manyTasks)).rejects.toMatchObject({ code: "site_not_found" });
    expect(await tasksOf(get(), claim.id)).toEqual([]);
    expect((await stores.schedules.forActor(actor, schedule.id))?.nextAt).toEqual(claim.dueAt);
    expect(await stores.scheduleQueue.fire(claim, firing, manyTasks)).toEqual({ created: [good.uid, bad.uid] });
    expect(await tasksOf(get(), claim.id)).toEqual(["queued", "queued"]);
    const moved = await stores.schedules.forActor(actor, schedule.id);
    expect(moved).toMatchObject({ nextAt: firing.nextAt, problem: "ab", lastRun: { uid: bad.uid, state: "queued" } });
  });

  it.each(["queue", "replace"] as const)(
    "that catch up (%s) create what their site has room for, the newest, and are put off only when there is none",
    async (overlap) => {
      const { db, stores } = get();
      const { actor, site } = await aSite(get());
      const schedule = await aSchedule(get(), actor, { siteId: site.id, overlap });
      await onlyDue(db, [schedule]);
      const claimOne = async (): Promise<ClaimedSchedule> => (await stores.scheduleQueue.claim({ leaseMs: 60_000, limit: 1 }))[0] as ClaimedSchedule;
      const again = { nextAt: new Date("2026-11-01T11:00:00Z") };
      // Of so many in all a site's share is twenty.
      const few = { maxWaiting: 3_000 };
      const others = 5;
      for (let count = 0; count < others; count += 1) await stores.tasks.create(newTask({ siteId: site.id, createdById: actor.user.id }), manyTasks);
      const claim = await claimOne();
      const firing = aFiring(claim, { ...again, runs: 100 });
      const newest = firing.tasks.slice(-15).map(({ uid }) => uid);
      expect(await stores.scheduleQueue.fire(claim, firing, few)).toEqual({ created: newest });
      const next = await claimOne();
      const more = stores.scheduleQueue.fire(next, aFiring(next, { ...again, runs: 10 }), few);
      // One that replaces makes room for itself.
      if (overlap === "replace") expect((await more)?.created).toHaveLength(10);
      else await expect(more).rejects.toMatchObject({ code: "task_limit_reached" });
      await db.deleteFrom("tasks").where("siteId", "=", site.id).execute();
    },
  );

  it("leave a task alone that is there already", async () => {
    const { claim } = await dueSchedule(get());
    const firing = aFiring(claim, { nextAt: new Date("2026-11-01T11:00:00Z") });
    await get().stores.scheduleQueue.fire(claim, firing, manyTasks);
    const [again] = await get().stores.scheduleQueue.claim({ leaseMs: 60_000, limit: 1 });
    expect(await get().stores.scheduleQueue.fire(again as ClaimedSchedule, firing, manyTasks)).toEqual({ created: [] });
    expect(await tasksOf(get(), claim.id)).toEqual(["queued"]);
  });

  it("pause with the reason and an entry in the audit trail, or are tried again later", async () => {
    const { db, stores } = get();
    const { claim, schedule, actor } = await dueSchedule(get());
    expect(await stores.scheduleQueue.release(claim, { afterMs: 60_000, problem: "Away." })).toBe(true);
    expect(await stores.scheduleQueue.claim({ leaseMs: 1, limit: 1 })).toEqual([]);
    expect(await stores.schedules.forActor(actor, schedule.id)).toMatchObject({ problem: "Away.", nextAt: claim.dueAt });
    const entry = { actorId: null, actorName: null, door: "system", address: null, action: "schedules.pause", siteId: null, siteName: null } as const;
    expect(await stores.scheduleQueue.pause(claim, "Gone.", { ...entry, details: { schedule: claim.id } })).toBe(true);
    expect(await stores.schedules.forActor(actor, schedule.id)).toMatchObject({ problem: "Gone.", isPaused: true, nextAt: null });
    const audit = await db.selectFrom("auditEntries").selectAll().where("action", "=", "schedules.pause").execute();
    expect(audit.filter(({ details }) => details.schedule === claim.id)).toHaveLength(1);
  });

  it("are claimed by one of many", async () => {
    const { db, stores } = get();
    const actor = await anActor(get(), "administrator");
    const all = await Promise.all(Array.from({ length: 20 }, () => aSchedule(get(), actor)));
    await onlyDue(db, all);
    const claims = await Promise.all(Array.from({ length: 8 }, () => stores.scheduleQueue.claim({ leaseMs: 60_000, limit: 5 })));
    const ids = claims.flat().map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (let rest = await stores.scheduleQueue.claim({ leaseMs: 60_000, limit: 5 }); rest.length > 0; ) {
      ids.push(...rest.map(({ id }) => id));
      rest = await stores.scheduleQueue.claim({ leaseMs: 60_000, limit: 5 });
    }
    expect([...ids].sort()).toEqual(all.map(({ id }) => id).sort());
  });
}

function describeOverlaps(get: () => StoreContext): void {
  it("go one after another, also where there is room for more", async () => {
    const { stores } = get();
    const { claim } = await dueSchedule(get(), { overlap: "queue" });
    const firing = aFiring(claim, { runs: 3, nextAt: new Date("2026-11-01T11:00:00Z") });
    await stores.scheduleQueue.fire(claim, firing, manyTasks);
    for (const { uid } of firing.tasks) {
      const claimed = await stores.taskQueue.claim({ worker: "w", leaseMs: 60_000, limit: 10, perSite: 10 });
      const mine = claimed.filter((task) => task.schedule?.id === claim.id);
      expect(mine.map((task) => task.uid)).toEqual([uid]);
      expect((await stores.taskQueue.claim({ worker: "w", leaseMs: 60_000, limit: 10, perSite: 10 })).filter((task) => task.schedule?.id === claim.id)).toEqual(
        [],
      );
      for (const task of claimed) await succeed(get(), task);
    }
    expect(await tasksOf(get(), claim.id)).toEqual(["succeeded", "succeeded", "succeeded"]);
  });

  it("that wait for each other hold up nobody else, however many they are", async () => {
    const { db, stores } = get();
    const ids: string[] = [];
    for (let i = 0; i < 3; i++) {
      const { claim } = await dueSchedule(get(), { overlap: "queue" });
      await stores.scheduleQueue.fire(claim, aFiring(claim, { runs: 100 }), manyTasks);
      ids.push(claim.id);
    }
    const other = await stores.tasks.create(newTask(), manyTasks);
    const claimed = await stores.taskQueue.claim({ worker: "w", leaseMs: 60_000, limit: 1000, perSite: 10 });
    expect(claimed.map(({ uid }) => uid)).toContain(other.task.uid);
    expect(claimed.filter(({ schedule }) => schedule !== null && ids.includes(schedule.id))).toHaveLength(3);
    for (const task of claimed) await succeed(get(), task);
    await db.deleteFrom("tasks").where("scheduleId", "in", ids).execute();
  });

  it.each([
    ["skip", ["queued"]],
    ["queue", ["queued", "queued"]],
    ["replace", ["cancelled", "queued"]],
  ] as const)("are waited for, left alone or cancelled (%s)", async (overlap, states) => {
    const { claim } = await dueSchedule(get(), { overlap });
    await get().stores.scheduleQueue.fire(claim, aFiring(claim, { nextAt: new Date("2026-11-01T11:00:00Z") }), manyTasks);
    const [again] = await get().stores.scheduleQueue.claim({ leaseMs: 60_000, limit: 1 });
    await get().stores.scheduleQueue.fire(again as ClaimedSchedule, aFiring(claim), manyTasks);
    expect(await tasksOf(get(), claim.id)).toEqual(states);
  });

  it("that run are told to end before the next one is let in", async () => {
    const { db, stores } = get();
    const { claim } = await dueSchedule(get(), { overlap: "replace" });
    await stores.scheduleQueue.fire(claim, aFiring(claim, { nextAt: new Date("2026-11-01T11:00:00Z") }), manyTasks);
    const held = await stores.taskQueue.claim({ worker: "w", leaseMs: 60_000, limit: 100, perSite: 10 });
    const running = held.filter((task) => task.schedule?.id === claim.id);
    expect(running).toHaveLength(1);
    const [again] = await stores.scheduleQueue.claim({ leaseMs: 60_000, limit: 1 });
    await stores.scheduleQueue.fire(again as ClaimedSchedule, aFiring(claim), manyTasks);
    expect(await tasksOf(get(), claim.id)).toEqual(["running", "queued"]);
    expect((await stores.taskQueue.renew(running, { leaseMs: 60_000 })).cancelled).toEqual(running.map(({ uid }) => uid));
    expect((await stores.taskQueue.claim({ worker: "w", leaseMs: 60_000, limit: 10, perSite: 10 })).filter((task) => task.schedule?.id === claim.id)).toEqual(
      [],
    );
    const cancelled = anOutcome({ kind: "end", state: "cancelled", reason: null });
    for (const task of held) await stores.taskQueue.finish(task, cancelled);
    // Whoever asks for it is not the one who knows why: the host of the run says only that it was cancelled.
    const ended = await stores.tasks.forActor(await anActor(get(), "administrator"), running[0]?.uid ?? "");
    expect(ended).toMatchObject({ state: "cancelled", reason: "A later run of its schedule took its place." });
    const next = await stores.taskQueue.claim({ worker: "w", leaseMs: 60_000, limit: 100, perSite: 10 });
    expect(next.filter((task) => task.schedule?.id === claim.id)).toHaveLength(1);
    await db.deleteFrom("tasks").where("scheduleId", "=", claim.id).execute();
  });
}

/** A schedule of the home folder that is due, and claimed; no other one is due. */
async function dueSchedule(context: StoreContext, changes: Partial<NewSchedule> = {}, leaseMs = 60_000) {
  const actor = await anActor(context, "administrator");
  const schedule = await aSchedule(context, actor, changes);
  await onlyDue(context.db, [schedule]);
  const [claim] = await context.stores.scheduleQueue.claim({ leaseMs, limit: 1 });
  if (claim === undefined) throw new Error("nothing is due");
  return { actor, schedule, claim };
}

async function expectFenced({ stores }: StoreContext, claim: ClaimedSchedule): Promise<void> {
  expect(await stores.scheduleQueue.fire(claim, aFiring(claim), manyTasks)).toBeNull();
  expect(await stores.scheduleQueue.release(claim, { afterMs: 1, problem: null })).toBe(false);
  const entry = { actorId: null, actorName: null, door: "system", address: null, action: "never", siteId: null, siteName: null, details: {} } as const;
  expect(await stores.scheduleQueue.pause(claim, "x", entry)).toBe(false);
  expect((await stores.audit.list({ limit: 1 })).items[0]?.action).not.toBe("never");
}

async function tasksOf({ db }: StoreContext, scheduleId: string): Promise<readonly string[]> {
  const rows = await db.selectFrom("tasks").select("state").where("scheduleId", "=", scheduleId).orderBy("id").execute();
  return rows.map(({ state }) => state);
}
