import { sql } from "kysely";
import { Failure } from "#contract/failure.ts";
import type { Database } from "../database.ts";
import type { Change } from "../notifications.ts";
import { lanesOfSite } from "./lane-range.ts";

/** How long a count is good for: others let tasks in, too. */
const goodForMs = 1_000;

/** How many more tasks may be let in, without counting a hundred thousand of them for each. */
export class WaitingRoom {
  #maxWaiting = 0;
  #left = 0;
  #until = 0;

  /** @throws {Failure} `task_limit_reached`. */
  async demand(change: Change | Database, maxWaiting: number): Promise<void> {
    const now = performance.now();
    if (maxWaiting === this.#maxWaiting && this.#left > 0 && now < this.#until) {
      this.#left -= 1;
      return;
    }
    const count = await countWaiting(change, maxWaiting);
    this.#maxWaiting = maxWaiting;
    this.#left = maxWaiting - count - 1;
    this.#until = now + goodForMs;
  }
}

/** One site may not fill the room of all: it gets this part of it, and at least a few. */
const siteShare = 200;
const leastPerSite = 20;

/** How many wait, and how many may. */
interface Share {
  readonly count: number;
  readonly most: number;
}

/** @throws {Failure} `task_limit_reached`, when a site has its share of what may wait. */
export async function demandSiteShare(change: Change | Database, siteId: number, maxWaiting: number): Promise<void> {
  demandShare(await siteShareOf(change, siteId, maxWaiting));
}

async function siteShareOf(change: Change | Database, siteId: number, maxWaiting: number): Promise<Share> {
  const most = Math.max(leastPerSite, Math.ceil(maxWaiting / siteShare));
  const { rows } = await sql<{ count: number }>`
    select count(*) from (
      select from tasks where state = 'queued' and ${lanesOfSite(siteId)} limit ${most}) as waiting`.execute(change);
  return { count: rows[0]?.count ?? 0, most };
}

/** One person may have more in all of their sites than in one of them, but not the room of all, either. */
const personShare = 50;
const leastPerPerson = 40;

/** On whose behalf a task of a site is queued: whoever asks, or else whoever set its schedule. */
interface Behalf {
  readonly createdById: number | null;
  readonly scheduleId: string | null;
}

/** @throws {Failure} `task_limit_reached`, when a member has their share of what may wait in sites. Administrators may fill the room. */
export async function demandPersonShare(change: Change | Database, behalf: Behalf, maxWaiting: number): Promise<void> {
  demandShare(await personShareOf(change, behalf, maxWaiting));
}

async function personShareOf(change: Change | Database, behalf: Behalf, maxWaiting: number): Promise<Share> {
  const most = Math.max(leastPerPerson, Math.ceil(maxWaiting / personShare));
  const { rows } = await sql<{ count: number }>`
    with member as materialized (
      select id from users where role <> 'administrator'
        and id = coalesce(${behalf.createdById}::int, (select created_by_id from schedules where id = ${behalf.scheduleId}::uuid)))
    select count(*) from (
      select from tasks where state = 'queued' and site_name is not null and created_by_id = (select id from member)
      union all
      select from schedules join tasks on tasks.schedule_id = schedules.id
        where schedules.created_by_id = (select id from member) and tasks.state = 'queued' and tasks.created_by_id is null
      limit ${most}) as waiting`.execute(change);
  return { count: rows[0]?.count ?? 0, most };
}

function demandShare({ count, most }: Share): void {
  if (count >= most) throw new Failure("task_limit_reached", { count });
}

/** How many more tasks like this one may be queued at this moment. @throws {Failure} `task_limit_reached` when it is none at all. */
export async function roomFor(change: Change | Database, task: Behalf & { readonly siteId: number | null }, maxWaiting: number): Promise<number> {
  const shares = [{ count: await countWaiting(change, maxWaiting), most: maxWaiting }];
  if (task.siteId !== null) shares.push(await siteShareOf(change, task.siteId, maxWaiting), await personShareOf(change, task, maxWaiting));
  for (const share of shares) demandShare(share);
  return Math.min(...shares.map(({ count, most }) => most - count));
}

/** @throws {Failure} `task_limit_reached`. */
export async function countWaiting(change: Change | Database, maxWaiting: number): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*) from (select from tasks where state = 'queued' limit ${maxWaiting}) as waiting`.execute(change);
  const count = rows[0]?.count ?? 0;
  if (count >= maxWaiting) throw new Failure("task_limit_reached", { count });
  return count;
}
