import { expect, it } from "vitest";
import type { Actor } from "#core/accounts/user.ts";
import type { ActorSchedule } from "#core/schedules/schedule-store.ts";
import { aSchedule } from "./schedule-builders.ts";
import { anActor, aSite, newOperation, type StoreContext } from "./store-builders.ts";

/** What becomes of schedules that are moved to another place, whatever keeps them. */
export function describeScheduleMoves(get: () => StoreContext): void {
  const move = (actor: Actor, schedule: ActorSchedule, siteId: number | null) =>
    get().stores.schedules.update(actor, schedule, { changes: { siteId, name: "moved" }, most: 2 });

  it("find no more room there than one that is made there, also when several come at once", async () => {
    const { actor, site } = await aSite(get());
    const { site: full } = await aSite(get());
    const administrator = await anActor(get(), "administrator");
    const all = await Promise.all(Array.from({ length: 4 }, () => aSchedule(get(), actor, { siteId: site.id })));
    const results = await Promise.allSettled(all.map((schedule) => move(administrator, schedule, full.id)));
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(2);
    for (const result of results)
      if (result.status === "rejected") expect(result.reason).toMatchObject({ code: "schedule_limit_reached", details: { count: 2 } });
    const { items } = await get().stores.schedules.listFor(administrator, { siteId: full.id }, { limit: 10 });
    expect(items.map(({ name }) => name)).toEqual(["moved", "moved"]);
    // Whatever else changes of one that is there takes no room.
    expect(await move(administrator, items[0] as ActorSchedule, full.id)).toMatchObject({ site: { id: full.id } });
  });

  it("do not get into a site that is going, or gone", async () => {
    const { stores } = get();
    const { actor, site } = await aSite(get());
    const { site: going } = await aSite(get());
    const schedule = await aSchedule(get(), actor, { siteId: site.id });
    await stores.sites.delete(going, newOperation({ kind: "delete" }));
    await expect(move(actor, schedule, going.id)).rejects.toMatchObject({ code: "site_being_deleted" });
    await stores.reconcilerSites.remove(going.id);
    await expect(move(actor, schedule, going.id)).rejects.toMatchObject({ code: "site_not_found" });
    expect(await stores.schedules.forActor(actor, schedule.id)).toMatchObject({ site: { id: site.id }, name: schedule.name });
  });

  it("are decided anew where somebody else has moved it", async () => {
    const { actor, site } = await aSite(get());
    const { site: elsewhere } = await aSite(get());
    const administrator = await anActor(get(), "administrator");
    const schedule = await aSchedule(get(), actor, { siteId: site.id });
    await move(administrator, schedule, elsewhere.id);
    expect(await move(administrator, schedule, site.id)).toBeNull();
    expect(await get().stores.schedules.forActor(administrator, schedule.id)).toMatchObject({ site: { id: elsewhere.id } });
  });
}
