import { sql } from "kysely";
import { beforeEach, describe, expect, it } from "vitest";
import type { Failure } from "#contract/failure.ts";
import type { AuditEntry } from "#core/audit/audit-store.ts";
import type { Task } from "#core/tasks/task.ts";
import { aSchedule } from "./schedule-builders.ts";
import { actorOf, anActor, aSite, aUser, newOperation, planned, type StoreContext } from "./store-builders.ts";
import { anOutcome, aResult, manyTasks, newTask, queueTask } from "./task-builders.ts";

/** What tasks have to do as people see them, whatever keeps them. */
export function describeTaskStores(get: () => StoreContext): void {
  beforeEach(() => get().db.deleteFrom("tasks").execute());
  const failing = (code: Failure["code"]) => expect.objectContaining({ code });

  describe("tasks as people see them", () => {
    it("keep everything that was asked for", async () => {
      const { tasks } = get().stores;
      const { actor, site } = await aSite(get());
      const legacy = {
        script: "ls.sh",
        arguments: [
          ["10", "b"],
          ["2", { a: [1, null] }],
        ] as const,
      };
      const asked = newTask({
        siteId: site.id,
        arguments: ["-l", "ä ö", ""],
        legacy,
        sealedEnvironment: "v1:sealed",
        environmentNames: ["A", "B"],
        priority: 7,
        scriptConcurrency: 3,
        createdById: actor.user.id,
        rerunOf: "604a5e38-06f9-11e9-a0e9-0242ac140004",
        idempotencyKey: "k1",
        runAt: new Date("2026-12-01T10:00:00Z"),
      });
      const { task, isNew } = await tasks.create(asked, manyTasks);
      expect(isNew).toBe(true);
      const { siteId: _, sealedEnvironment, scriptConcurrency: __, createdById: ___, scheduleId: ____, ...words } = asked;
      expect(task).toEqual({
        ...words,
        id: task.id,
        state: "queued",
        reason: null,
        site: { id: site.id, name: site.name },
        attempt: 0,
        createdBy: { id: actor.user.id, username: actor.user.username },
        schedule: null,
        createdAt: expect.any(Date),
        startedAt: null,
        finishedAt: null,
        cancelRequestedAt: null,
        result: null,
      });
      expect(await tasks.forActor(actor, task.uid)).toEqual({ ...task, actorSite: site });
      expect(await tasks.sealedEnvironment(task)).toBe(sealedEnvironment);
    });

    it("are seen by members of their site and by administrators; those of the home folder only by these", async () => {
      const { tasks, sites } = get().stores;
      const { actor, site } = await aSite(get());
      const [viewer, stranger, administrator] = [await aUser(get()), await anActor(get()), await anActor(get(), "administrator")];
      await sites.setMember(site, viewer.id, "viewer");
      const [home, there] = [await queueTask(get(), { createdById: stranger.user.id }), await queueTask(get(), { siteId: site.id })];
      const seenBy = async (who: typeof actor) =>
        (await tasks.listFor(who, {}, { limit: 10 })).items.map(({ uid, actorSite }) => [uid, actorSite?.role ?? null]);
      expect(await seenBy(actor)).toEqual([[there.uid, "owner"]]);
      expect(await seenBy(actorOf(viewer))).toEqual([[there.uid, "viewer"]]);
      expect(await seenBy(stranger)).toEqual([]);
      expect(await seenBy(administrator)).toEqual([
        [there.uid, null],
        [home.uid, null],
      ]);
      expect(await tasks.forActor(stranger, home.uid)).toBeNull();
      expect(await tasks.forActor(actor, home.uid)).toBeNull();
      expect(await tasks.forActor(stranger, there.uid)).toBeNull();
      expect(await tasks.forActor(administrator, home.uid)).toMatchObject({ uid: home.uid, actorSite: null });
      for (const uid of ["", "x", `${home.uid}\0`]) expect(await tasks.forActor(administrator, uid)).toBeNull();
    });

    it("are not shown to former members, and keep their site's name when it is gone", async () => {
      const { tasks, sites, reconcilerSites } = get().stores;
      const { actor, site } = await aSite(get());
      const administrator = await anActor(get(), "administrator");
      const queued = await queueTask(get(), { siteId: site.id });
      await sites.update(site, planned({ name: `${site.name}x` }));
      expect(await tasks.forActor(actor, queued.uid)).toMatchObject({ site: { id: site.id, name: `${site.name}x` } });
      await sites.delete(site, newOperation({ kind: "delete" }));
      await reconcilerSites.remove(site.id);
      expect(await tasks.forActor(actor, queued.uid)).toBeNull();
      expect(await tasks.forActor(administrator, queued.uid)).toMatchObject({ site: { id: null, name: site.name }, actorSite: null });
      expect((await get().stores.legacyTasks.byUid(queued.uid))?.uid).toBeUndefined();
    });

    it("are listed newest first, in pages, narrowed as asked", async () => {
      const { tasks, taskQueue } = get().stores;
      const { site } = await aSite(get());
      const administrator = await anActor(get(), "administrator");
      const a = await queueTask(get(), { script: "backup.sh", arguments: ["Nightly run"], priority: 1 });
      const b = await queueTask(get(), { siteId: site.id });
      // A quick machine takes two in one millisecond, and `until` leaves its own out.
      await expect.poll(Date.now).toBeGreaterThan(b.createdAt.getTime());
      const c = await queueTask(get(), { program: { kind: "command", command: "echo Hello" } });
      const [held] = await taskQueue.claim({ worker: "w", leaseMs: 1000, limit: 1, perSite: 1 });
      if (held !== undefined) await taskQueue.finish(held, anOutcome());
      const list = async (filter: Parameters<typeof tasks.listFor>[1]) =>
        (await tasks.listFor(administrator, filter, { limit: 10 })).items.map(({ uid }) => uid);
      expect(await list({})).toEqual([c.uid, b.uid, a.uid]);
      expect(await list({ siteId: site.id })).toEqual([b.uid]);
      expect(await list({ siteId: 2 ** 40 })).toEqual([]);
      expect(await list({ isHome: true })).toEqual([c.uid, a.uid]);
      expect(await list({ states: ["succeeded", "failed"] })).toEqual([a.uid]);
      expect(await list({ states: [] })).toEqual([]);
      expect(await list({ script: "ls.sh" })).toEqual([b.uid]);
      expect(await list({ scheduleId: a.uid })).toEqual([]);
      expect(await list({ search: "nightly" })).toEqual([a.uid]);
      expect(await list({ search: "ECHO h" })).toEqual([c.uid]);
      expect(await list({ search: "up.s" })).toEqual([a.uid]);
      expect(await list({ search: b.uid.slice(0, 9) })).toEqual([b.uid]);
      expect(await list({ search: "%" })).toEqual([]);
      expect(await list({ since: b.createdAt, until: c.createdAt })).toEqual([b.uid]);
      const first = await tasks.listFor(administrator, {}, { limit: 2 });
      const second = await tasks.listFor(administrator, {}, { limit: 2, cursor: first.next ?? "" });
      expect([...first.items, ...second.items].map(({ uid }) => uid)).toEqual([c.uid, b.uid, a.uid]);
      expect(second.next).toBeNull();
    });

    it("are found by an idempotency key by whoever gave it, as long as they see them", async () => {
      const { actor, site } = await aSite(get());
      const queued = await queueTask(get(), { siteId: site.id, createdById: actor.user.id, idempotencyKey: "k7" });
      const { tasks, sites } = get().stores;
      expect(await tasks.byKey(actor, "k7")).toMatchObject({ uid: queued.uid, actorSite: { id: site.id } });
      expect(await tasks.byKey(actor, "k8")).toBeNull();
      expect(await tasks.byKey(await anActor(get(), "administrator"), "k7")).toBeNull();
      await get().db.deleteFrom("siteMembers").where("siteId", "=", site.id).execute();
      expect(await sites.forActor(actor, site.name)).toBeNull();
      expect(await tasks.byKey(actor, "k7")).toBeNull();
    });

    it("are created once for an idempotency key, within a day, for each person", async () => {
      const { tasks } = get().stores;
      const [one, two] = [await aUser(get()), await aUser(get())];
      const asked = (changes: Parameters<typeof newTask>[0] = {}) => newTask({ createdById: one.id, idempotencyKey: "key", ...changes });
      const first = await tasks.create(asked({ sealedEnvironment: "v1:a" }), manyTasks);
      expect(await tasks.create(asked({ sealedEnvironment: "v1:b" }), manyTasks)).toEqual({ task: first.task, isNew: false });
      for (const other of [{ script: "other.sh" }, { arguments: ["x"] }, { siteId: (await aSite(get())).site.id }]) {
        await expect(tasks.create(asked(other), manyTasks)).rejects.toEqual(failing("idempotency_conflict"));
      }
      expect((await tasks.create(asked({ createdById: two.id, script: "other.sh" }), manyTasks)).isNew).toBe(true);
      await get()
        .db.updateTable("taskKeys")
        .set({ createdAt: new Date(Date.now() - 25 * 3_600_000) })
        .execute();
      expect((await tasks.create(asked({ script: "other.sh" }), manyTasks)).isNew).toBe(true);
    });

    it("are created once although the same key comes many times at the same moment", async () => {
      const { id } = await aUser(get());
      const created = await Promise.all(
        Array.from({ length: 8 }, () => get().stores.tasks.create(newTask({ createdById: id, idempotencyKey: "same" }), manyTasks)),
      );
      expect(new Set(created.map(({ task }) => task.uid)).size).toBe(1);
      expect(created.filter(({ isNew }) => isNew)).toHaveLength(1);
    });

    it("that come at the same moment are queued with their notes, which stand in the audit trail in the same order", async () => {
      const { tasks, audit } = get().stores;
      const creator = await aUser(get());
      const asked = Array.from({ length: 12 }, (_, nr) =>
        newTask({ createdById: creator.id, script: `${nr}.sh`, legacy: nr === 3 ? { script: "x", arguments: [["10", 1]] } : null }),
      );
      const note = (nr: number): AuditEntry => ({
        ...{ actorId: creator.id, actorName: creator.username, door: "api", address: "192.0.2.1", action: "tasks.create", siteId: null, siteName: null },
        details: { uid: asked[nr]?.uid, text: "ü\0" },
      });
      const made = await Promise.all(asked.map((task, nr) => tasks.create(task, manyTasks, nr === 5 ? undefined : note(nr))));
      expect(made.map(({ task }) => task.program)).toEqual(asked.map(({ program }) => program));
      expect(made[3]?.task.legacy).toEqual(asked[3]?.legacy);
      expect(made[0]?.task).toMatchObject({ createdBy: { id: creator.id, username: creator.username }, legacy: null, state: "queued" });
      // Who comes at the same moment as others has no place among them: each may first have asked whether there is room.
      const queued = made.map(({ task }) => task).toSorted((one, other) => one.id - other.id);
      const trail = (await audit.list({ cursor: undefined, limit: 200 })).items.filter(({ actorId }) => actorId === creator.id);
      expect(trail.map(({ details }) => details.uid).toReversed()).toEqual(queued.map(({ uid }) => uid).filter((uid) => uid !== asked[5]?.uid));
      expect(trail.find(({ details }) => details.uid === asked[11]?.uid)).toMatchObject({ ...note(11), details: { text: "ü" } });
    });

    it("with a mistake do not take along those that come with them", async () => {
      const { tasks } = get().stores;
      const made = await Promise.allSettled([newTask(), newTask({ createdById: 2_000_000_000 }), newTask()].map((task) => tasks.create(task, manyTasks)));
      expect(made.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    });

    it("of one site never fill the room of all", async () => {
      const { tasks } = get().stores;
      const [one, other] = [(await aSite(get())).site, (await aSite(get())).site];
      // A two-hundredth of what may wait.
      const limits = { maxWaiting: 5_000 };
      for (let count = 0; count < 25; count++) await tasks.create(newTask({ siteId: one.id }), limits);
      await expect(tasks.create(newTask({ siteId: one.id }), limits)).rejects.toEqual(failing("task_limit_reached"));
      expect((await tasks.create(newTask({ siteId: other.id }), limits)).isNew).toBe(true);
      expect((await tasks.create(newTask(), limits)).isNew).toBe(true);
    });

    it("of one person never fill the room of all, in however many sites, and by schedules or not; those of administrators may", async () => {
      const { tasks, users } = get().stores;
      const places = [await aSite(get()), await aSite(get()), await aSite(get())] as const;
      const sites = [places[0].site, places[1].site, places[2].site] as const;
      const [person, other] = [await anActor(get()), await anActor(get())];
      const scheduleIn = ({ actor, site }: (typeof places)[0]) => aSchedule(get(), actor, { siteId: site.id, createdById: person.user.id });
      const [schedule, last] = [await scheduleIn(places[1]), await scheduleIn(places[2])];
      // A fiftieth of what may wait.
      const limits = { maxWaiting: 2_000 };
      const queue = (siteId: number, changes: Parameters<typeof newTask>[0]) => tasks.create(newTask({ siteId, ...changes }), limits);
      for (let count = 0; count < 19; count++) await queue(sites[0].id, { createdById: person.user.id });
      for (let count = 0; count < 20; count++) await queue(sites[1].id, { scheduleId: schedule.id });
      // What an administrator queues by this person's schedule is the administrator's.
      await queue(sites[0].id, { createdById: (await anActor(get(), "administrator")).user.id, scheduleId: schedule.id });
      await queue(sites[2].id, { createdById: person.user.id });
      await expect(queue(sites[2].id, { createdById: person.user.id })).rejects.toMatchObject({ code: "task_limit_reached", details: { count: 40 } });
      await expect(queue(sites[2].id, { scheduleId: last.id })).rejects.toEqual(failing("task_limit_reached"));
      expect((await queue(sites[2].id, { createdById: other.user.id })).isNew).toBe(true);
      await users.update(person.user.id, { role: "administrator" });
      expect((await queue(sites[2].id, { createdById: person.user.id })).isNew).toBe(true);
    });

    it("are refused when too many wait, and where their site takes none", async () => {
      const { tasks, sites } = get().stores;
      const { site } = await aSite(get());
      await queueTask(get());
      await queueTask(get());
      await expect(tasks.create(newTask(), { maxWaiting: 2 })).rejects.toEqual(failing("task_limit_reached"));
      expect((await tasks.create(newTask(), { maxWaiting: 3 })).isNew).toBe(true);
      await sites.update(site, planned({ availability: "disabled" }));
      await expect(tasks.create(newTask({ siteId: site.id }), manyTasks)).rejects.toEqual(failing("site_disabled"));
      await sites.delete(site, newOperation({ kind: "delete" }));
      await expect(tasks.create(newTask({ siteId: site.id }), manyTasks)).rejects.toEqual(failing("site_being_deleted"));
      await expect(tasks.create(newTask({ siteId: 2_000_000_000 }), manyTasks)).rejects.toEqual(failing("site_not_found"));
    });
  });

  describe("charts of tasks", () => {
    /** A task with its times and result written as if it had run. */
    const ran = async (createdAt: string, changes: Partial<{ waitMs: number; durationMs: number; state: Task["state"]; siteId: number }> = {}) => {
      const { waitMs = 100, durationMs = 1000, state = "succeeded", siteId = null } = changes;
      const task = await queueTask(get(), { siteId });
      const at = new Date(createdAt);
      const startedAt = new Date(at.getTime() + waitMs);
      const finishedAt = new Date(startedAt.getTime() + durationMs);
      await get()
        .db.updateTable("tasks")
        .set({ createdAt: at, runAt: at, startedAt, finishedAt, state, runEnd: "exited", diskAfterBytes: task.id })
        .where("id", "=", task.id)
        .execute();
      return task;
    };

    it("count each day once in the time zone, also those without tasks and those of another length", async () => {
      const { tasks } = get().stores;
      const administrator = await anActor(get(), "administrator");
      // 25 October 2026 has 25 hours in Berlin: this is its last one.
      await ran("2026-10-25T22:30:00Z", { durationMs: 1000, waitMs: 10 });
      await ran("2026-10-25T12:00:00Z", { durationMs: 3000, waitMs: 30, state: "failed" });
      await ran("2026-10-25T23:00:00Z", { state: "cancelled" });
      const days = await tasks.days(administrator, { siteId: null, since: "2026-10-24", until: "2026-10-27", timeZone: "Europe/Berlin" });
      const none = { medianDurationMs: null, p95DurationMs: null, medianWaitMs: null, p95WaitMs: null };
      expect(days).toEqual([
        { date: "2026-10-24", total: 0, succeeded: 0, failed: 0, ...none },
        { date: "2026-10-25", total: 2, succeeded: 1, failed: 1, medianDurationMs: 2000, p95DurationMs: 2900, medianWaitMs: 20, p95WaitMs: 29 },
        { date: "2026-10-26", total: 1, succeeded: 0, failed: 0, medianDurationMs: 1000, p95DurationMs: 1000, medianWaitMs: 100, p95WaitMs: 100 },
      ]);
    });

    it("show people their sites only", async () => {
      const { tasks } = get().stores;
      const { actor, site } = await aSite(get());
      const { site: foreign } = await aSite(get());
      await ran("2026-10-25T12:00:00Z");
      await ran("2026-10-25T12:00:00Z", { siteId: foreign.id });
      const mine = await ran("2026-10-25T12:00:00Z", { siteId: site.id });
      const day = { since: "2026-10-25", until: "2026-10-26", timeZone: "UTC" };
      const time = { since: new Date("2026-10-25T00:00:00Z"), until: new Date("2026-10-26T00:00:00Z"), limit: 10 };
      expect((await tasks.days(actor, { ...day, siteId: null }))[0]?.total).toBe(1);
      expect((await tasks.days(actor, { ...day, siteId: foreign.id }))[0]?.total).toBe(0);
      expect((await tasks.disk(actor, { ...time, siteId: null })).map(({ uid }) => uid)).toEqual([mine.uid]);
      expect(await tasks.disk(actor, { ...time, siteId: foreign.id })).toEqual([]);
    });

    it("give of many points of free space evenly chosen ones, oldest first", async () => {
      const { tasks, legacyTasks } = get().stores;
      const administrator = await anActor(get(), "administrator");
      const all: Task[] = [];
      for (let i = 0; i < 10; i++) all.push(await ran(`2026-10-25T12:00:${10 + i}Z`));
      const time = { since: new Date("2026-10-25T00:00:00Z"), until: new Date("2026-10-26T00:00:00Z"), siteId: null };
      const points = await tasks.disk(administrator, { ...time, limit: 5 });
      expect(points.map(({ uid }) => uid)).toEqual([1, 3, 5, 7, 9].map((i) => all[i]?.uid));
      expect(points[0]).toEqual({ uid: all[1]?.uid, at: new Date("2026-10-25T12:00:12.100Z"), freeBytes: all[1]?.id });
      expect(await tasks.disk(administrator, { ...time, limit: 10 })).toHaveLength(10);
      expect(await legacyTasks.freeSpace({ from: time.since, until: time.until, limit: 3 })).toHaveLength(3);
    });
  });

  describe("tasks as the original's clients see them", () => {
    it("are those of the home folder, by number, by uid and by day", async () => {
      const { legacyTasks, db } = { ...get().stores, db: get().db };
      const { site } = await aSite(get());
      const { task } = await legacyTasks.create(newTask({ legacy: { script: "ls.sh", arguments: [["", "x"]] } }), manyTasks);
      const there = await queueTask(get(), { siteId: site.id });
      const late = await queueTask(get());
      await db
        .updateTable("tasks")
        .set({ createdAt: new Date("2026-01-31T00:00:00Z") })
        .where("id", "in", [task.id, there.id])
        .execute();
      await db
        .updateTable("tasks")
        .set({ createdAt: new Date("2026-01-31T23:59:59.999Z") })
        .where("id", "=", late.id)
        .execute();
      const day = { from: new Date("2026-01-31T00:00:00Z"), until: new Date("2026-02-01T00:00:00Z") };
      expect((await Array.fromAsync(legacyTasks.onDay(day))).flat().map(({ id }) => id)).toEqual([task.id, late.id]);
      // All of one moment but for microseconds, which a Date does not have.
      await sql`insert into tasks (uid, program, script, arguments, retry, limits, created_at)
        select gen_random_uuid(), program, script, arguments, retry, limits, timestamptz '2026-01-30 12:00:00Z' + number % 7 * interval '1 microsecond'
        from tasks, generate_series(1, 2500) as number where id = ${task.id}`.execute(db);
      const batches = await Array.fromAsync(legacyTasks.onDay({ from: new Date("2026-01-30T00:00:00Z"), until: day.from }));
      expect(batches.map((batch) => batch.length)).toEqual([1_000, 1_000, 500]);
      expect(new Set(batches.flat().map(({ id }) => id)).size).toBe(2_500);
      await db.deleteFrom("tasks").where("createdAt", "<", day.from).execute();
      expect(await legacyTasks.countOnDay(day)).toBe(2);
      expect([...(await legacyTasks.countPerDay({ ...day, from: new Date(0) }))]).toEqual([["2026-01-31", 2]]);
      expect((await legacyTasks.byId(task.id))?.legacy).toEqual({ script: "ls.sh", arguments: [["", "x"]] });
      expect((await legacyTasks.byUid(task.uid))?.id).toBe(task.id);
      for (const id of [there.id, 0, -1, 2 ** 60, 1.5]) expect(await legacyTasks.byId(id)).toBeNull();
      expect(await legacyTasks.byUid(there.uid)).toBeNull();
      expect(await legacyTasks.byUid("nonsense")).toBeNull();
      expect(aResult().code).toBe(0);
    });
  });
}
