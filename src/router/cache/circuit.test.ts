import { expect, test } from "vitest";
import { Circuit } from "./circuit.ts";
import type { Page } from "./page.ts";
import { decodePage, encodePage } from "./page-format.ts";

test("after some failures in a row nobody asks for a while, then one tries, and each time it is longer", () => {
  const circuit = new Circuit({ failures: 2, firstMs: 100, mostMs: 300 });
  circuit.failed(0);
  circuit.succeeded();
  circuit.failed(0);
  expect(circuit.allows(0)).toBe(true);
  expect(circuit.failed(0)).toBe(true);
  expect([circuit.allows(99), circuit.wouldAllow(99), circuit.isClosed]).toEqual([false, false, false]);
  expect([circuit.wouldAllow(100), circuit.allows(100), circuit.allows(100), circuit.wouldAllow(100)]).toEqual([true, true, false, false]);
  expect(circuit.failed(100)).toBe(true);
  expect([circuit.allows(299), circuit.allows(300)]).toEqual([false, true]);
  circuit.failed(300);
  expect([circuit.allows(599), circuit.allows(600)]).toEqual([false, true]);
  circuit.succeeded();
  expect([circuit.isClosed, circuit.allows(601), circuit.allows(601)]).toEqual([true, true, true]);
});

test("a page survives the way through bytes, and nothing else is taken for one", () => {
  const times = { storedAt: 1, ageMs: 2, freshUntil: 3, revalidateUntil: 4, errorUntil: 5, asleepUntil: 6 };
  const said = { etag: null, lastModified: null, tags: ["a"], isPublic: true, ...times };
  const page: Page = {
    key: "http://ä/",
    path: "/",
    vary: ["a"],
    varied: "a:b",
    generation: 7,
    status: 200,
    fields: ["X", "ü"],
    body: Buffer.from([0, 255, 10]),
    ...said,
  };
  const bytes = encodePage(page);
  expect(decodePage(bytes)).toEqual(page);
  for (const other of [Buffer.alloc(0), bytes.subarray(0, 7), bytes.subarray(0, -1), Buffer.concat([bytes, bytes]), Buffer.alloc(100, 1)])
    expect(decodePage(other)).toBeUndefined();
});
