import { sql, type Transaction } from "kysely";
import type { EpochBump } from "#kit/epochs.ts";
import type { Tables } from "./tables.ts";

/** What the database tells whoever listens. Hints only: they may be lost, repeated or late. */
export const channels = ["operations", "routes", "epochs", "tasks", "cancels", "schedules"] as const;
export type Channel = (typeof channels)[number];

/** A change under way; notifications go out when it is committed. */
export type Change = Transaction<Tables>;

/** An operation was queued, or moved on. */
export async function notifyOperation(change: Change, id: string): Promise<void> {
  await notify(change, "operations", id);
}

/** Epochs grew; the payload is an `EpochBump` as JSON. */
export async function notifyEpochs(change: Change, bump: Partial<EpochBump>): Promise<void> {
  await notify(change, "epochs", JSON.stringify({ sites: [], users: [], ...bump }));
}

/** The route table has a new version. */
export async function notifyRoutes(change: Change, version: number): Promise<void> {
  await notify(change, "routes", String(version));
}

/** A schedule was made or changed: it may fall due earlier than anyone waits for. */
export async function notifySchedules(change: Change, id: string): Promise<void> {
  await notify(change, "schedules", id);
}

async function notify(change: Change, channel: Channel, payload: string): Promise<void> {
  await sql`select pg_notify(${channel}, ${payload})`.execute(change);
}
