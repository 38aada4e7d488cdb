import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { aFiring, aSchedule } from "./schedule-builders.ts";
import { aSite, newOperation, type StoreContext } from "./store-builders.ts";
import { manyTasks, newTask } from "./task-builders.ts";

/** More than one statement may change. */
const mostAtOnce = 2_000;
const kept = 4_500;

/** What was done for years must not keep anything from being deleted. */
export function describeLongHistories(get: () => StoreContext): void {
  /** Refuses each statement that changes more tasks than it may: it would take too long where there are a hundred times as many. */
  async function limitedStatements(): Promise<AsyncDisposable> {
    const { db } = get();
    await sql`create function refuse_many() returns trigger language plpgsql as $$ begin
      if (select count(*) from changed) > ${sql.lit(mostAtOnce)} then raise exception 'too many tasks in one statement'; end if;
      return null;
    end $$`.execute(db);
    await sql`create trigger refuse_many after update on tasks referencing new table as changed for each statement execute function refuse_many()`.execute(db);
    return { [Symbol.asyncDispose]: async () => void (await sql`drop function refuse_many cascade`.execute(db)) };
  }

  /** A site's schedule that has run so often. */
  async function longHistory() {
    const { db, stores } = get();
    const { actor, site } = await aSite(get());
    const schedule = await aSchedule(get(), actor, { siteId: site.id });
    const { task } = await stores.tasks.create(newTask({ scheduleId: schedule.id, siteId: site.id }), manyTasks);
    await sql`insert into tasks (uid, state, program, arguments, retry, limits, site_id, site_name, schedule_id, schedule_name, finished_at)
      select gen_random_uuid(), 'succeeded', program, arguments, retry, limits, site_id, site_name, schedule_id, schedule_name, now()
      from tasks, generate_series(2, ${kept}) where id = ${task.id}`.execute(db);
    const left = async () =>
      (
        await sql<{ count: number; siteId: number | null; scheduleId: string | null; scheduleName: string | null }>`
          select count(*), site_id, schedule_id, schedule_name from tasks where site_name = ${site.name} group by 2, 3, 4`.execute(db)
      ).rows;
    return { actor, site, schedule, left };
  }

  describe("with a long history", () => {
    it("a schedule is deleted without one statement that changes all of its tasks, which stay", async () => {
      const { schedules } = get().stores;
      const { actor, site, schedule, left } = await longHistory();
      {
        await using _ = await limitedStatements();
        await schedules.delete(schedule);
      }
      expect(await schedules.forActor(actor, schedule.id)).toBeNull();
      expect(await left()).toEqual([{ count: kept, siteId: site.id, scheduleId: null, scheduleName: schedule.name }]);
    });

    it("a schedule fires no more from when it is to be deleted, however long that takes", async () => {
      const { db, stores } = get();
      const { actor, schedule } = await longHistory();
      await db
        .updateTable("schedules")
        .set({ nextAt: new Date(0) })
        .where("id", "=", schedule.id)
        .execute();
      const firstClaims = await stores.scheduleQueue.claim({ leaseMs: 60_000, limit: 1_000 });
      const held = firstClaims.find(({ id }) => id === schedule.id);
      if (held === undefined) throw new Error("it was not claimed");
      await sql`create function break_off() returns trigger language plpgsql as $$ begin raise exception 'broken off'; end $$`.execute(db);
      await sql`create trigger break_off before update on tasks for each row execute function break_off()`.execute(db);
      await expect(stores.schedules.delete(schedule)).rejects.toThrow("broken off");
      await sql`drop function break_off cascade`.execute(db);
      expect(await stores.schedules.forActor(actor, schedule.id)).toMatchObject({ isPaused: true, nextAt: null });
      expect(await stores.scheduleQueue.fire(held, aFiring(held), manyTasks)).toBeNull();
      await stores.schedules.delete(schedule);
      expect(await stores.schedules.forActor(actor, schedule.id)).toBeNull();
    });

    it("a site is deleted in the same way, with its schedules; one that is not going keeps all", async () => {
      const { reconcilerSites, sites } = get().stores;
      const { site, schedule, left } = await longHistory();
      const all = [{ count: kept, siteId: site.id, scheduleId: schedule.id, scheduleName: schedule.name }];
      await reconcilerSites.remove(site.id);
      expect(await left()).toEqual(all);
      await sites.delete(site, newOperation({ kind: "delete" }));
      {
        await using _ = await limitedStatements();
        await reconcilerSites.remove(site.id);
      }
      expect(await reconcilerSites.byId(site.id)).toBeNull();
      expect(await left()).toEqual([{ count: kept, siteId: null, scheduleId: null, scheduleName: schedule.name }]);
    });
  });
}
