import { sql } from "kysely";
import { Failure } from "#contract/failure.ts";
import type { MemberRole } from "#contract/site.ts";
import type { SiteAudience } from "#core/sites/site-store.ts";
import type { Database } from "../database.ts";
import { isMissingReference } from "../database-error.ts";
import { type Change, notifyEpochs } from "../notifications.ts";
import { isRowNumber } from "../row-id.ts";

/** Adds or changes a member. The same again changes nothing, and closes nobody's session. */
export async function setMember(db: Database, siteId: number, member: { readonly userId: number; readonly role: MemberRole }): Promise<void> {
  const { userId, role } = member;
  if (!isRowNumber(userId)) throw new Failure("user_not_found");
  try {
    await db.transaction().execute(async (change) => {
      await lockSite(change, siteId);
      const before = await change.selectFrom("siteMembers").select("role").where("siteId", "=", siteId).where("userId", "=", userId).executeTakeFirst();
      if (before?.role === role) return;
      await change
        .insertInto("siteMembers")
        .values({ siteId, userId, role })
        .onConflict((conflict) => conflict.columns(["siteId", "userId"]).doUpdateSet({ role }))
        .execute();
      await afterChange(change, siteId);
    });
  } catch (error) {
    if (isMissingReference(error)) throw new Failure("user_not_found", {}, { cause: error });
    throw error;
  }
}

/** Removes a member; false when they were none. */
export async function removeMember(db: Database, siteId: number, userId: number): Promise<boolean> {
  if (!isRowNumber(userId)) return false;
  return db.transaction().execute(async (change) => {
    await lockSite(change, siteId);
    const { numDeletedRows } = await change.deleteFrom("siteMembers").where("siteId", "=", siteId).where("userId", "=", userId).executeTakeFirst();
    if (numDeletedRows === 0n) return false;
    await afterChange(change, siteId);
    return true;
  });
}

/** Members of one site change one after the other: two owners who remove each other must not both succeed. */
async function lockSite(change: Change, siteId: number): Promise<void> {
  const site = await change.selectFrom("sites").select("id").where("id", "=", siteId).forNoKeyUpdate().executeTakeFirst();
  if (site === undefined) throw new Failure("site_not_found");
}

async function afterChange(change: Change, siteId: number): Promise<void> {
  const owner = await change.selectFrom("siteMembers").select("userId").where("siteId", "=", siteId).where("role", "=", "owner").limit(1).executeTakeFirst();
  if (owner === undefined) throw new Failure("last_owner");
  // The revision grows too: the orchestrator has to know whether an owner is an administrator.
  const { epoch } = await change
    .updateTable("sites")
    .set({ epoch: sql<number>`epoch + 1`, epochChangedAt: sql<Date>`now()`, revision: sql<number>`revision + 1` })
    .where("id", "=", siteId)
    .returning("epoch")
    .executeTakeFirstOrThrow();
  await notifyEpochs(change, { sites: [[siteId, epoch]] });
}

/** What there is to say of these sites, and their members. */
export async function audiencesOf(db: Database, ids: readonly number[]): Promise<ReadonlyMap<number, SiteAudience>> {
  const rows = await db
    .selectFrom("sites")
    .select(["id", "name", "kind", "isDedicated", "availability", "availabilityReason", "lifecycle", "updatedAt"])
    .select(sql<number[]>`array(select user_id from site_members where site_id = sites.id)`.as("memberIds"))
    .where(sql<boolean>`sites.id = any(${ids}::int[])`)
    .execute();
  return new Map(rows.map(({ id, memberIds, ...site }) => [id, { site, memberIds: new Set(memberIds) }]));
}
