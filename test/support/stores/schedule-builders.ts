import { randomUUID } from "node:crypto";
import type { Actor } from "#core/accounts/user.ts";
import type { ClaimedSchedule, Firing } from "#core/schedules/schedule-queue.ts";
import type { ActorSchedule, NewSchedule } from "#core/schedules/schedule-store.ts";
import type { Database } from "#db/database.ts";
import { aName, type StoreContext } from "./store-builders.ts";
import { newTask } from "./task-builders.ts";

/** An hourly schedule of the home folder, due at ten, with whatever the test cares about. */
export function newSchedule(actor: Actor, changes: Partial<NewSchedule> = {}): NewSchedule {
  return {
    id: randomUUID(),
    name: aName("plan "),
    siteId: null,
    cron: "0 * * * *",
    timeZone: "UTC",
    overlap: "skip",
    catchUp: "last",
    isPaused: false,
    task: { script: "ls.sh", arguments: ["-l"] },
    sealedEnvironment: null,
    createdById: actor.user.id,
    nextAt: new Date("2026-11-01T10:00:00Z"),
    ...changes,
  };
}

export function aSchedule({ stores }: StoreContext, actor: Actor, changes: Partial<NewSchedule> = {}): Promise<ActorSchedule> {
  return stores.schedules.create(actor, newSchedule(actor, changes), { most: 1000 });
}

/** What the schedule creates at these moments; then it waits for a far day. */
export function aFiring(claim: ClaimedSchedule, changes: Partial<Firing> & { readonly runs?: number } = {}): Firing {
  const { runs = 1, ...rest } = changes;
  const tasks = Array.from({ length: runs }, () => newTask({ scheduleId: claim.id, siteId: claim.site?.id ?? null }));
  return { tasks, nextAt: new Date("2099-01-01T00:00:00Z"), problem: null, ...rest };
}

/** Puts all others out of the way, and makes these due. */
export async function onlyDue(db: Database, schedules: readonly ActorSchedule[]): Promise<void> {
  await db.updateTable("schedules").set({ nextAt: null, leaseUntil: null }).execute();
  const ids = schedules.map(({ id }) => id);
  if (ids.length > 0)
    await db
      .updateTable("schedules")
      .set({ nextAt: new Date("2026-11-01T10:00:00Z") })
      .where("id", "in", ids)
      .execute();
}
