import { sql } from "kysely";
import { Failure } from "#contract/failure.ts";
import type { Change } from "../notifications.ts";
import { isOwnedByAdministrator } from "./site-rows.ts";

/** Whether the person may own one more site. Their row is locked, so that two sites created at the same moment cannot share the last free place. */
export async function demandRoom(change: Change, userId: number, limit: number): Promise<void> {
  await change.selectFrom("users").select("id").where("id", "=", userId).forNoKeyUpdate().execute();
  const { count } = await ownedSites(change, userId).executeTakeFirstOrThrow();
  if (count >= limit) throw new Failure("site_limit_reached", { count });
}

/**
 * Whether each owner of the site may keep one more awake. Their rows are locked, in the order of their numbers, until this change is there:
 * two sites changed at the same moment cannot share the last free place.
 */
export async function demandAwakeRoom(change: Change, siteId: number, limit: number): Promise<void> {
  const owners = await change
    .selectFrom("users")
    .select(["id", "username"])
    .where("id", "in", (inner) => inner.selectFrom("siteMembers").select("userId").where("siteId", "=", siteId).where("role", "=", "owner"))
    .orderBy("id")
    .forNoKeyUpdate()
    .execute();
  for (const owner of owners) {
    const { count } = await ownedSites(change, owner.id)
      .where("sites.id", "!=", siteId)
      .where((site) => site.or([site("sites.kind", "=", "dynamic"), site("sites.isDedicated", "=", true)]))
      .where(sql<boolean>`sites.settings -> 'idleSeconds' = 'null'::jsonb`)
      .where(sql<boolean>`not ${isOwnedByAdministrator}`)
      .executeTakeFirstOrThrow();
    if (count >= limit) throw new Failure("awake_sites_used_up", { owner: owner.username, count });
  }
}

function ownedSites(change: Change, userId: number) {
  return change
    .selectFrom("siteMembers")
    .innerJoin("sites", "sites.id", "siteMembers.siteId")
    .select(sql<number>`count(*)`.as("count"))
    .where("siteMembers.userId", "=", userId)
    .where("siteMembers.role", "=", "owner")
    .where("sites.lifecycle", "!=", "deleting");
}
