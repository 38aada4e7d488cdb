import { expect, test } from "vitest";
import type { AccessRenewal, StaleAccess } from "#contract/internal/access.ts";
import type { Actor } from "#core/accounts/user.ts";
import type { ActorSite } from "#core/sites/site.ts";
import { type EpochBump, EpochTable } from "#kit/epochs.ts";
import { silentLog } from "#kit/log.ts";
import { AccessWatch } from "./access-watch.ts";

const lost = async (): Promise<never> => {
  throw new Error("nobody answers");
};
const away = { stale: lost, renew: lost };

/** A watch whose people may do what the table says; at the orchestrator somebody has something open each time that is asked. */
function watchOf(may: Readonly<Record<number, readonly string[]>>, atOrchestrator: StaleAccess[] = []) {
  const pushed: EpochBump[] = [];
  const renewed: AccessRenewal[] = [];
  const judge = async (access: StaleAccess): Promise<AccessRenewal> => ({ ...access, siteEpoch: 1, userEpoch: 0, verbs: [...(may[access.user] ?? [])] });
  const watch = new AccessWatch({
    epochs: { changedWithin: async () => ({ sites: [], users: [] }) },
    table: new EpochTable({ renewedWithinMs: 60_000 }),
    push: async (bump) => void pushed.push(bump),
    renewals: { hosts: [away, { stale: async () => atOrchestrator.splice(0, 1), renew: async (renewals) => void renewed.push(...renewals) }], judge },
    log: silentLog(),
  });
  return { watch, pushed, renewed };
}

// Only these fields are looked at.
const actor = (id: number) => ({ user: { id, epoch: 0 } }) as Actor;
const site = { id: 5, epoch: 0 } as ActorSite;
const never = new AbortController().signal;
const bump: EpochBump = { sites: [[5, 1]], users: [] };

test("what somebody has open goes on while they still may, and ends for whoever may not", async () => {
  const { watch } = watchOf({ 1: ["site.read", "site.logs", "site.files.read", "site.shell"], 2: [], 3: ["site.read", "site.logs", "site.files.read"] });
  const [stays, goes, reads, shell] = [
    watch.signalFor(actor(1), site, never),
    watch.signalFor(actor(2), site, never),
    watch.signalFor(actor(3), site, never),
    watch.signalWhile({ actor: actor(3), site, verbs: ["site.shell"] }, never),
  ];
  watch.apply(bump);
  await expect.poll(() => goes.signal.aborted).toBe(true);
  expect([stays, reads, shell].map(({ signal }) => signal.aborted)).toEqual([false, false, true]);
});

test("what is open at the orchestrator is judged and told there, also what was opened just then", async () => {
  const { watch, pushed, renewed } = watchOf({ 1: ["site.shell"] }, [
    { site: 5, user: 1 },
    { site: 5, user: 2 },
  ]);
  watch.apply(bump);
  await expect
    .poll(() => renewed)
    .toEqual([
      { site: 5, user: 1, siteEpoch: 1, userEpoch: 0, verbs: ["site.shell"] },
      { site: 5, user: 2, siteEpoch: 1, userEpoch: 0, verbs: [] },
    ]);
  expect(pushed).toEqual([bump]);
});

test("a person's own change ends all of theirs without a question", async () => {
  const { watch } = watchOf({ 1: ["site.shell"] });
  const { signal } = watch.signalWhile({ actor: actor(1), site, verbs: ["site.shell"] }, never);
  watch.apply({ sites: [], users: [[1, 1]] });
  expect(signal.aborted).toBe(true);
});
