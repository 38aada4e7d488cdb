import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { silentLog } from "#kit/log.ts";
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

test("whoever is forgotten holds no runs any more, and what others hold stays noted", async () => {
  const [nodes, placements] = [new PostgresNodeStore(db), new PostgresPlacementStore(db)];
  await nodes.beat([
    { ...beat, id: "gone", url: "http://gone:1" },
    { ...beat, id: "here", url: "http://here:2" },
  ]);
  const [both, only] = [randomUUID(), randomUUID()];
  await placements.placeRun({ uid: both, attempt: 1 }, "gone");
  await placements.placeRun({ uid: both, attempt: 2 }, "here");
  await placements.placeRun({ uid: only, attempt: 1 }, "gone");
  await nodes.remove("gone");
  expect((await nodes.all()).map(({ id }) => id)).toEqual(["north", "south", "here"]);
  expect([await placements.placesOfRun(both), await placements.placesOfRun(only)]).toEqual([[{ nodeId: "here", attempt: 2 }], []]);
  expect(await placements.ofRun({ uid: only, attempt: 1 })).toBeNull();
});
