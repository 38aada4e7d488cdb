import { sql } from "kysely";
import { Failure } from "#contract/failure.ts";
import { isSiteName, type MemberRole } from "#contract/site.ts";
import type { Actor } from "#core/accounts/user.ts";
import type { NewOperation, Operation } from "#core/operations/operation.ts";
import type { Page, PageRequest } from "#core/page.ts";
import type { ActorSite, Member, Site } from "#core/sites/site.ts";
import type { NewSite, SiteAudience, SiteChanges, SitePlan, SiteStore } from "#core/sites/site-store.ts";
import { cleanText } from "../clean-text.ts";
import { pageOf, textCursor } from "../cursor.ts";
import type { Database } from "../database.ts";
import { violates } from "../database-error.ts";
import { type Change, notifyEpochs } from "../notifications.ts";
import { insertOperation, operationColumns, operationOf, stepsOfOperation } from "../operations/operation-rows.ts";
import { tickRoute, tickRouteRemoved } from "../routes/route-clock.ts";
import { isRowNumber } from "../row-id.ts";
import { demandAwakeRoom, demandRoom } from "./owner-room.ts";
import { audiencesOf, removeMember, setMember } from "./site-members.ts";
import { actorSiteOf, isOwnedByAdministrator, siteColumns, siteOf } from "./site-rows.ts";

const grownEpoch = { epoch: sql<number>`epoch + 1`, epochChangedAt: sql<Date>`now()` };

/** Sites as people see them, in PostgreSQL. */
export class PostgresSiteStore implements SiteStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async forActor(actor: Actor, name: string): Promise<ActorSite | null> {
    // No site has another kind of name, and some texts cannot even be asked for (NUL).
    if (!isSiteName(name)) return null;
    const row = await visibleTo(this.#db, actor.user.id, actor.user.role === "administrator")
      .where("sites.name", "=", name)
      .executeTakeFirst();
    return row === undefined ? null : actorSiteOf(row);
  }

  async numberForActor(actor: Actor, id: number): Promise<ActorSite | null> {
    if (!isRowNumber(id)) return null;
    const row = await visibleTo(this.#db, actor.user.id, actor.user.role === "administrator")
      .where("sites.id", "=", id)
      .executeTakeFirst();
    return row === undefined ? null : actorSiteOf(row);
  }

  async audiencesOf(ids: readonly number[]): Promise<ReadonlyMap<number, SiteAudience>> {
    return audiencesOf(this.#db, ids.filter(isRowNumber));
  }

  async listFor(actor: Actor, request: PageRequest & { readonly search?: string | undefined; readonly all: boolean }): Promise<Page<ActorSite>> {
    const after = textCursor(request.cursor);
    const seesAll = request.all && actor.user.role === "administrator";
    let query = visibleTo(this.#db, actor.user.id, seesAll)
      .orderBy("sites.name")
      .limit(request.limit + 1);
    if (after !== null) query = query.where("sites.name", ">", after);
    if (request.search !== undefined) {
      const part = cleanText(request.search).toLowerCase();
      query = query.where(sql<boolean>`(strpos(sites.name, ${part}) > 0 or strpos(lower(sites.description), ${part}) > 0)`);
    }
    return pageOf(await query.execute(), request.limit, { position: (row) => row.name, item: actorSiteOf });
  }

  async create(actor: Actor, site: NewSite, operation: NewOperation): Promise<{ readonly site: ActorSite; readonly operation: Operation }> {
    const { ownerLimit, limits, settings, ...words } = site;
    const name = () => site.name;
    return translateNameTaken(name, () =>
      this.#db.transaction().execute(async (change) => {
        if (ownerLimit !== null) await demandRoom(change, actor.user.id, ownerLimit);
        const { id } = await change
          .insertInto("sites")
          .values({
            ...words,
            description: cleanText(site.description),
            limits: JSON.stringify(limits),
            settings: JSON.stringify(settings),
            lifecycle: "creating",
          })
          .returning("id")
          .executeTakeFirstOrThrow();
        await change.insertInto("siteMembers").values({ siteId: id, userId: actor.user.id, role: "owner" }).execute();
        const queued = await insertOperation(change, { id, name: site.name }, operation);
        await tickRoute(change, id);
        return { site: await load(change, actor.user.id, id), operation: queued };
      }),
    );
  }

  async update(site: ActorSite, plan: SitePlan): Promise<{ readonly site: ActorSite; readonly operation: Operation | null }> {
    let name = site.name;
    return translateNameTaken(
      () => name,
      () =>
        this.#db.transaction().execute(async (change) => {
          // Decided with the row locked: what two people change at the same moment is both there afterwards.
          const before = await lockLiving(change, site.id);
          const { changes, operation, awakeLimit } = plan(before.site, before.environment);
          if (awakeLimit !== undefined) await demandAwakeRoom(change, site.id, awakeLimit);
          name = changes.name ?? before.site.name;
          const isWithdrawn = changes.availability !== undefined && changes.availability !== before.site.availability;
          const isOfWordsOnly = Object.keys(changes).every((key) => key === "description");
          const row = await change
            .updateTable("sites")
            .set({
              ...columnsOf(changes),
              // Another name, limit or variable may change every page.
              ...(isOfWordsOnly ? {} : { revision: sql<number>`revision + 1`, cacheGeneration: sql<number>`cache_generation + 1` }),
              ...(isWithdrawn ? grownEpoch : {}),
              updatedAt: sql<Date>`now()`,
            })
            .where("id", "=", site.id)
            .returning(["id", "name", "epoch"])
            .executeTakeFirstOrThrow();
          if (isWithdrawn) await notifyEpochs(change, { sites: [[row.id, row.epoch]] });
          const queued = operation === null ? null : await insertOperation(change, row, operation);
          // A description is no business of routers and orchestrators.
          if (!isOfWordsOnly) await tickRoute(change, site.id);
          return { site: { ...(await load(change, null, site.id)), role: site.role }, operation: queued };
        }),
    );
  }

  async delete(site: ActorSite, operation: NewOperation): Promise<Operation> {
    return this.#db.transaction().execute(async (change) => {
      const before = await change.selectFrom("sites").select(["id", "name", "lifecycle"]).where("id", "=", site.id).forNoKeyUpdate().executeTakeFirst();
      if (before === undefined) throw new Failure("site_not_found");
      if (before.lifecycle === "deleting") return (await deletionUnderWay(change, site.id)) ?? (await insertOperation(change, before, operation));
      const { epoch } = await change
        .updateTable("sites")
        .set({ lifecycle: "deleting", revision: sql<number>`revision + 1`, ...grownEpoch, updatedAt: sql<Date>`now()` })
        .where("id", "=", site.id)
        .returning("epoch")
        .executeTakeFirstOrThrow();
      await notifyEpochs(change, { sites: [[site.id, epoch]] });
      const queued = await insertOperation(change, before, operation);
      await tickRouteRemoved(change, site.id);
      return queued;
    });
  }

  async environment(site: ActorSite): Promise<string | null> {
    const row = await this.#db.selectFrom("sites").select("environment").where("id", "=", site.id).executeTakeFirst();
    return row?.environment ?? null;
  }

  async members(site: ActorSite): Promise<readonly Member[]> {
    return this.#db
      .selectFrom("siteMembers")
      .innerJoin("users", "users.id", "siteMembers.userId")
      .select(["siteMembers.userId", "users.username", "siteMembers.role"])
      .where("siteMembers.siteId", "=", site.id)
      .orderBy("users.username")
      .execute();
  }

  async setMember(site: ActorSite, userId: number, role: MemberRole): Promise<void> {
    await setMember(this.#db, site.id, { userId, role });
  }

  async removeMember(site: ActorSite, userId: number): Promise<boolean> {
    return removeMember(this.#db, site.id, userId);
  }
}

/** Sites that someone may know of, with their role; all of them for whoever sees all. */
export function visibleTo(db: Database | Change, userId: number | null, seesAll: boolean) {
  const query = db
    .selectFrom("sites")
    .leftJoin("siteMembers as membership", (join) => join.onRef("membership.siteId", "=", "sites.id").on("membership.userId", "=", userId))
    .select(siteColumns)
    .select(["membership.role", isOwnedByAdministrator.as("isOwnedByAdministrator")]);
  return seesAll ? query : query.where("membership.role", "is not", null);
}

async function load(change: Change, userId: number | null, id: number): Promise<ActorSite> {
  return actorSiteOf(await visibleTo(change, userId, true).where("sites.id", "=", id).executeTakeFirstOrThrow());
}

/** Locks a site's row against other changes of it. */
async function lockLiving(change: Change, id: number): Promise<{ readonly site: Site; readonly environment: string | null }> {
  const row = await change
    .selectFrom("sites")
    .select(siteColumns)
    .select("environment")
    .select(isOwnedByAdministrator.as("isOwnedByAdministrator"))
    .where("id", "=", id)
    .forNoKeyUpdate()
    .executeTakeFirst();
  if (row === undefined) throw new Failure("site_not_found");
  if (row.lifecycle === "deleting") throw new Failure("site_being_deleted");
  return { site: siteOf(row), environment: row.environment };
}

function columnsOf(changes: SiteChanges) {
  const { limits, settings, cache, description, ...plain } = changes;
  return {
    ...withoutAbsent(plain),
    ...(description === undefined ? {} : { description: cleanText(description) }),
    ...(plain.availabilityReason === undefined ? {} : { availabilityReason: cleanText(plain.availabilityReason) }),
    ...(limits === undefined ? {} : { limits: JSON.stringify(limits) }),
    ...(settings === undefined ? {} : { settings: JSON.stringify(settings) }),
    ...(cache === undefined ? {} : { cache: JSON.stringify(cache) }),
  };
}

async function deletionUnderWay(change: Change, siteId: number): Promise<Operation | null> {
  const row = await change
    .selectFrom("operations")
    .select(operationColumns)
    .select(stepsOfOperation.as("steps"))
    .where("siteId", "=", siteId)
    .where("kind", "=", "delete")
    .where("state", "in", ["queued", "running"])
    .executeTakeFirst();
  return row === undefined ? null : operationOf(row);
}

async function translateNameTaken<T>(name: () => string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (violates(error, "sites_name_unique")) throw new Failure("site_name_taken", { name: name() }, { cause: error });
    throw error;
  }
}

function withoutAbsent<T extends object>(changes: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const given = Object.entries(changes).filter(([, value]) => value !== undefined);
  // Only keys of T whose values are there are left.
  return Object.fromEntries(given) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
