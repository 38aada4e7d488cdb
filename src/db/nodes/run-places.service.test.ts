import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readNode } from "#contract/internal/nodes.ts";
import { awaitRun, forgetRun, putRun, type RunSpec } from "#contract/internal/runs.ts";
import { defaultRunLimits } from "#contract/task.ts";
import { Fleet } from "#core/nodes/fleet.ts";
import { steadyClock } from "#kit/clock.ts";
import type { ComponentClient } from "#kit/component-client.ts";
import { silentLog } from "#kit/log.ts";
import { nodeReport } from "../../../test/support/node-builders.ts";
import { createTestDatabase, type TestDatabase } from "../../../test/support/test-database.ts";
import { type Database, openDatabase } from "../database.ts";
import { PostgresNodeStore } from "./postgres-node-store.ts";
import { PostgresPlacementStore } from "./postgres-placement-store.ts";

let database: TestDatabase;
let db: Database;
beforeAll(async () => {
  database = await createTestDatabase();
  db = openDatabase({ url: database.url, maxConnections: 2, log: silentLog() });
});
afterAll(async () => {
  await db.destroy();
  await database.drop();
});

const spec: RunSpec = {
  ...{ attempt: 1, siteId: null, program: { kind: "command", command: "true" }, arguments: [] },
  ...{ environment: {}, limits: defaultRunLimits, idempotencyKey: null },
};
const beat = { kind: "orchestrator", host: "h", version: "1", report: null } as const;

test("every orchestrator that was given an attempt is told, the earliest first, with the last one each", async () => {
  const [nodes, placements] = [new PostgresNodeStore(db), new PostgresPlacementStore(db)];
  await nodes.beat(["north", "south"].map((id) => ({ ...beat, id, url: `http://${id}:1` })));
  const uid = randomUUID();
  await placements.placeRun({ uid, attempt: 1 }, "south");
  await placements.placeRun({ uid, attempt: 2 }, "north");
  await placements.placeRun({ uid, attempt: 3 }, "south");
  await placements.placeRun({ uid, attempt: 4 }, "forgotten long ago");
  expect(await placements.placesOfRun(uid)).toEqual([
    { nodeId: "north", attempt: 2 },
    { nodeId: "south", attempt: 3 },
  ]);
  await placements.forgetRun(uid);
  expect([await placements.placesOfRun(uid), await placements.placesOfRun("no uid")]).toEqual([[], []]);
});

/** Orchestrators of these names as a worker reaches them, and what each was asked. */
async function openFleet(names: readonly string[]) {
  const asked: string[] = [];
  const fleet = new Fleet({
    urls: names.map((name) => `http://${name}:1`),
    link: { audience: "orchestrator", caller: "worker", signer: { sign: async () => "" } },
    connect: ({ baseUrl }) => {
      const { hostname } = new URL(baseUrl);
      const call = async ({ id }: { readonly id: string }) => {
        if (id === readNode.id) return nodeReport({ id: hostname });
        asked.push(`${id} ${hostname}`);
      };
      return { call } as unknown as ComponentClient;
    },
    ...{ nodes: new PostgresNodeStore(db), placements: new PostgresPlacementStore(db), others: () => [] },
    ...{ clock: steadyClock, log: silentLog(), beatMs: 60_000, lostMs: 60_000, asksTheOnlyOne: false },
  });
  await fleet.beat();
  return { fleet, asked };
}

test("what a forgotten one was given is asked of nobody else, and retention goes on without it", async () => {
  const [nodes, placements] = [new PostgresNodeStore(db), new PostgresPlacementStore(db)];
  const [both, only, other] = [randomUUID(), randomUUID(), randomUUID()];
  await nodes.beat([{ ...beat, id: "gone", url: "http://gone:1" }]);
  await placements.placeRun({ uid: both, attempt: 1 }, "gone");
  await placements.placeRun({ uid: both, attempt: 2 }, "south");
  await placements.placeRun({ uid: only, attempt: 1 }, "gone");
  await placements.placeRun({ uid: other, attempt: 1 }, "gone");
  await nodes.remove("gone");
  const { fleet, asked } = await openFleet(["north", "south"]);
  expect(fleet.nodes.map(({ id }) => id)).toEqual(["north", "south"]);

  // The first orchestrator would start a second time what may be running there.
  expect(await placements.ofRun({ uid: only, attempt: 1 })).toBe("gone");
  const [{ client }, params] = [fleet, { uid: only }];
  const asking = await Promise.allSettled([client.call(putRun, { params, query: {}, body: spec }), client.call(awaitRun, { params, query: {} })]);
  expect(asking).toMatchObject([{ reason: { code: "component_away" } }, { reason: { code: "component_away" } }]);
  expect(asked).toEqual([]);

  for (const uid of [both, only]) {
    for (const holder of await fleet.holdersOfRun(uid)) await holder.client.call(forgetRun, { params: { uid } });
    await fleet.unplaceRun(uid);
  }
  expect(asked).toEqual(["run.forget south", "run.forget north"]);
  const left = await db.selectFrom("runPlaces").select(["uid", "nodeId"]).execute();
  expect(left).toEqual([{ uid: other, nodeId: "gone" }]);
});
