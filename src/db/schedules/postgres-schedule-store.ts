import { sql } from "kysely";
import { Failure } from "#contract/failure.ts";
import type { Actor } from "#core/accounts/user.ts";
import type { Page, PageRequest } from "#core/page.ts";
import type { Schedule } from "#core/schedules/schedule.ts";
import type { ActorSchedule, NewSchedule, ScheduleStore, ScheduleUpdate } from "#core/schedules/schedule-store.ts";
import type { ActorSite } from "#core/sites/site.ts";
import { cleanJson, cleanText } from "../clean-text.ts";
import { pageOf, textCursor } from "../cursor.ts";
import type { Database } from "../database.ts";
import { isMissingReference } from "../database-error.ts";
import { type Change, notifySchedules } from "../notifications.ts";
import { isRowUuid } from "../row-id.ts";
import { visibleTo } from "../sites/postgres-site-store.ts";
import { actorSiteOf } from "../sites/site-rows.ts";
import { detachFromSchedule } from "../tasks/detach-tasks.ts";
import { scheduleOf, selectSchedules } from "./schedule-rows.ts";

/** Between a name and an id in a cursor: the last one counts, as a name may hold it and an id not. */
const separator = "\n";

/** Schedules as people see them, in PostgreSQL. */
export class PostgresScheduleStore implements ScheduleStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async create(actor: Actor, schedule: NewSchedule, limits: { readonly most: number }): Promise<ActorSchedule> {
    const { task, name, ...plain } = schedule;
    return this.#write(async (change) => {
      await demandRoom(change, schedule.siteId, limits.most);
      await change
        .insertInto("schedules")
        .values({ ...plain, name: cleanText(name), task: cleanJson(withoutSite(task)) })
        .execute();
      await notifySchedules(change, schedule.id);
      return reload(change, actor, schedule.id);
    });
  }

  async forActor(actor: Actor, id: string): Promise<ActorSchedule | null> {
    if (!isRowUuid(id)) return null;
    const row = await visibleSchedules(this.#db, actor).where("schedules.id", "=", id).executeTakeFirst();
    return row === undefined ? null : ((await withSites(this.#db, actor, [scheduleOf(row)]))[0] ?? null);
  }

  async listFor(actor: Actor, filter: { readonly siteId?: number | undefined }, request: PageRequest): Promise<Page<ActorSchedule>> {
    let query = visibleSchedules(this.#db, actor)
      .orderBy("schedules.name")
      .orderBy("schedules.id")
      .limit(request.limit + 1);
    if (filter.siteId !== undefined) query = query.where("schedules.siteId", "=", filter.siteId);
    const after = textCursor(request.cursor) ?? "";
    const [name, id] = [after.slice(0, after.lastIndexOf(separator)), after.slice(after.lastIndexOf(separator) + 1)];
    if (isRowUuid(id)) query = query.where(sql<boolean>`(schedules.name, schedules.id) > (${name}, ${id}::uuid)`);
    const position = (row: { readonly name: string; readonly id: string }): string => `${row.name}${separator}${row.id}`;
    const page = pageOf(await query.execute(), request.limit, { position, item: scheduleOf });
    return { items: await withSites(this.#db, actor, page.items), next: page.next };
  }

  async update(actor: Actor, schedule: ActorSchedule, { changes, most }: ScheduleUpdate): Promise<ActorSchedule | null> {
    const { task, name, ...plain } = changes;
    const placeId = schedule.site?.id ?? null;
    return this.#write(async (change) => {
      // The place before the schedule, as whoever deletes a site locks them.
      if (plain.siteId !== undefined && plain.siteId !== placeId) await demandRoom(change, plain.siteId, most);
      const { numUpdatedRows } = await change
        .updateTable("schedules")
        .set({
          ...plain,
          ...(name === undefined ? {} : { name: cleanText(name) }),
          ...(task === undefined ? {} : { task: cleanJson(withoutSite(task)) }),
          // A scheduler that holds it decides by what it was: it loses its turn, and whoever comes next looks again.
          fence: sql<number>`fence + 1`,
          leaseUntil: null,
        })
        .where("id", "=", schedule.id)
        .where("siteId", "is not distinct from", placeId)
        .where("cron", "=", schedule.cron)
        .where("timeZone", "=", schedule.timeZone)
        .where("isPaused", "=", schedule.isPaused)
        .where("createdById", "is not distinct from", schedule.createdBy?.id ?? null)
        .where("sealedEnvironment", "is not distinct from", schedule.sealedEnvironment)
        .executeTakeFirst();
      if (numUpdatedRows === 0n) return (await isThere(change, schedule.id)) ? null : missing();
      await notifySchedules(change, schedule.id);
      return reload(change, actor, schedule.id);
    });
  }

  /** A site that goes at the same moment is one that is not there. */
  async #write<T>(work: (change: Change) => Promise<T>): Promise<T> {
    try {
      return await this.#db.transaction().execute(work);
    } catch (error) {
      if (isMissingReference(error)) throw new Failure("site_not_found", {}, { cause: error });
      throw error;
    }
  }

  async delete(schedule: ActorSchedule): Promise<void> {
    // It makes no more tasks while those of years are taken from it, nor when that breaks off: whoever deletes it again goes on there.
    await this.#db
      .updateTable("schedules")
      .set({ isPaused: true, nextAt: null, leaseUntil: null, fence: sql<number>`fence + 1` })
      .where("id", "=", schedule.id)
      .execute();
    await detachFromSchedule(this.#db, schedule.id);
    await this.#db.deleteFrom("schedules").where("id", "=", schedule.id).execute();
  }
}

function visibleSchedules(db: Database | Change, actor: Actor) {
  const query = selectSchedules(db);
  if (actor.user.role === "administrator") return query;
  return query.where((is) =>
    is.exists(
      is
        .selectFrom("siteMembers")
        .select("siteMembers.siteId")
        .whereRef("siteMembers.siteId", "=", "schedules.siteId")
        .where("siteMembers.userId", "=", actor.user.id),
    ),
  );
}

/** Adds to schedules the sites as this person sees them; one whose site they have just lost is left out. */
async function withSites(db: Database | Change, actor: Actor, schedules: readonly Schedule[]): Promise<readonly ActorSchedule[]> {
  const ids = schedules.flatMap(({ site }) => (site === null ? [] : [site.id]));
  const sites = new Map<number, ActorSite>();
  if (ids.length > 0) {
    const rows = await visibleTo(db, actor.user.id, actor.user.role === "administrator")
      .where("sites.id", "in", ids)
      .execute();
    for (const row of rows) sites.set(row.id, actorSiteOf(row));
  }
  return schedules.flatMap((schedule): readonly ActorSchedule[] => {
    if (schedule.site === null) return [{ ...schedule, actorSite: null }];
    const actorSite = sites.get(schedule.site.id);
    return actorSite === undefined ? [] : [{ ...schedule, actorSite }];
  });
}

async function isThere(change: Change, id: string): Promise<boolean> {
  return (await change.selectFrom("schedules").select("id").where("id", "=", id).executeTakeFirst()) !== undefined;
}

function missing(): never {
  throw new Failure("schedule_not_found");
}

/** As its own writer sees it, who had the right a moment ago. */
async function reload(change: Change, actor: Actor, id: string): Promise<ActorSchedule> {
  const row = await selectSchedules(change).where("schedules.id", "=", id).executeTakeFirstOrThrow();
  const [schedule] = await withSites(change, actor, [scheduleOf(row)]);
  if (schedule === undefined) throw new Failure("schedule_not_found");
  return schedule;
}

/** Locks the place, so that two that are created at once cannot share the last room. */
async function demandRoom(change: Change, siteId: number | null, most: number): Promise<void> {
  if (siteId === null) await sql`select pg_advisory_xact_lock(hashtext('schedules of the home folder'))`.execute(change);
  else {
    const site = await change.selectFrom("sites").select("lifecycle").where("id", "=", siteId).forNoKeyUpdate().executeTakeFirst();
    if (site === undefined) throw new Failure("site_not_found");
    if (site.lifecycle === "deleting") throw new Failure("site_being_deleted");
  }
  const { count } = await change
    .selectFrom("schedules")
    .select(sql<number>`count(*)`.as("count"))
    .where("siteId", siteId === null ? "is" : "=", siteId)
    .executeTakeFirstOrThrow();
  if (count >= most) throw new Failure("schedule_limit_reached", { count });
}

/** The number is what counts: a site may be renamed. */
function withoutSite(task: Schedule["task"]): Schedule["task"] {
  const { site: _, ...rest } = task;
  return rest;
}
