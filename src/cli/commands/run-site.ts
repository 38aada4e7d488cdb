import { restartSite, sleepSite, wakeSite } from "#contract/api/sites.ts";
import { settle } from "../follow-operation.ts";
import { needSignIn, type Session } from "../session.ts";

const endpoints = { restart: restartSite, sleep: sleepSite, wake: wakeSite } as const;
const done = { restart: "restarted", sleep: "asleep", wake: "awake" } as const;

/** Restarts a site's program, puts it to sleep or wakes it. */
export async function runSite(session: Session, verb: keyof typeof endpoints, asked: { readonly name: string; readonly wait?: boolean }): Promise<void> {
  needSignIn(session);
  const started = await session.client.call(endpoints[verb], { params: { name: asked.name } });
  const operation = await settle(session, started.operation, asked);
  await session.answer({ operation }, asked.wait === false ? `${operation.id}\n` : `${asked.name} is ${done[verb]}.\n`);
}
