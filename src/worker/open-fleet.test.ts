import { afterEach, expect, test, vi } from "vitest";
import type { Node } from "#core/nodes/node.ts";
import { silentLog } from "#kit/log.ts";
import { node } from "../../test/support/node-builders.ts";
import { letPass, setClock } from "../../test/support/set-clock.ts";
import type { WorkerConfig } from "./config.ts";
import { openFleet } from "./open-fleet.ts";

afterEach(() => vi.restoreAllMocks());

/** Addresses where nobody listens. */
const urls = ["http://127.0.0.1:1", "http://127.0.0.1:2"];
const unheard: readonly Node[] = urls.map((url, at) => node({ id: `o${at}`, number: at + 1, url, silentMs: 60_000 }));

async function open(stack: AsyncDisposableStack) {
  const lostMs = 10_000;
  const config = { BACKLOT_ORCHESTRATOR_URLS: urls.join(), BACKLOT_WORKER_PORT: 0, BACKLOT_NODE_BEAT_MS: 600_000, BACKLOT_NODE_LOST_MS: lostMs };
  const nothing = async (): Promise<void> => undefined;
  const nodes = { beat: nothing, all: async () => unheard, setDrained: async () => null, remove: nothing, removeSilent: nothing };
  // Of the settings only these are asked for, and of placements nothing is.
  const fleet = await openFleet({
    ...{ config: config as unknown as WorkerConfig, stores: { nodes, placements: {} as never } },
    ...{ signer: { sign: async () => "" }, log: silentLog(), stack },
  });
  return { isLost: () => (fleet.nodeOf(null)?.silentMs ?? 0) > lostMs, beat: () => fleet.beat() };
}

test("nobody counts as lost since the machine's clock was set forward", async () => {
  await using stack = new AsyncDisposableStack();
  const { isLost, beat } = await open(stack);
  expect(isLost()).toBe(false);
  setClock(3_600_000);
  await beat();
  expect(isLost()).toBe(false);
});

test("who does not answer is lost after its time, although the machine's clock was set back", async () => {
  await using stack = new AsyncDisposableStack();
  const { isLost, beat } = await open(stack);
  setClock(-3_600_000);
  letPass(11_000);
  await beat();
  expect(isLost()).toBe(true);
});
