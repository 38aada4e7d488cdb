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

/** @throws {Failure} `task_limit_reached`, when a site has its share of what may wait. */
export async function demandSiteShare(change: Change | Database, siteId: number, maxWaiting: number): Promise<void> {
  const most = Math.max(leastPerSite, Math.ceil(maxWaiting / siteShare));
  const { rows } = await sql<{ count: number }>`
    select count(*) from (
      select from tasks where state = 'queued' and ${lanesOfSite(siteId)} limit ${most}) as waiting`.execute(change);
  const count = rows[0]?.count ?? 0;
  if (count >= most) throw new Failure("task_limit_reached", { count });
}

/** @throws {Failure} `task_limit_reached`. */
export async function countWaiting(change: Change | Database, maxWaiting: number): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*) from (select from tasks where state = 'queued' limit ${maxWaiting}) as waiting`.execute(change);
  const count = rows[0]?.count ?? 0;
  if (count >= maxWaiting) throw new Failure("task_limit_reached", { count });
  return count;
}
