import { expect, test } from "vitest";
import { node, nodeReport } from "../../../test/support/node-builders.ts";
import { chooseNode, heirsOf, spreadSites, takesSites } from "./choose-node.ts";

const a = node({ id: "a", number: 1 });
const b = node({ id: "b", number: 2 });
const c = node({ id: "c", number: 3 });
const lostMs = 10_000;

test("a site goes where the fewest sites are, then where the most memory is free, then to the first", () => {
  expect(chooseNode([])).toBeNull();
  expect(
    chooseNode([
      { node: a, sites: 3 },
      { node: b, sites: 2 },
    ])?.id,
  ).toBe("b");
  const roomy = node({ id: "r", number: 9, report: nodeReport({ freeMemoryBytes: 7e9 }) });
  expect(
    chooseNode([
      { node: a, sites: 2 },
      { node: roomy, sites: 2 },
    ])?.id,
  ).toBe("r");
  expect(
    chooseNode([
      { node: b, sites: 2 },
      { node: a, sites: 2 },
    ])?.id,
  ).toBe("a");
});

test("many sites are spread so that each has as many in the end", () => {
  const plan = spreadSites(
    [1, 2, 3, 4, 5],
    [
      { node: a, sites: 3 },
      { node: b, sites: 0 },
    ],
  );
  expect(plan.map(({ siteId, to }) => `${siteId} ${to.id}`)).toEqual(["1 b", "2 b", "3 b", "4 a", "5 b"]);
  expect(spreadSites([1], [])).toEqual([]);
});

test("only an orchestrator that is up, healthy, not drained and reachable takes sites", () => {
  expect(takesSites(a, lostMs)).toBe(true);
  expect(takesSites(node({ silentMs: lostMs + 1 }), lostMs)).toBe(false);
  expect(takesSites(node({ isDrained: true }), lostMs)).toBe(false);
  expect(takesSites(node({ url: null }), lostMs)).toBe(false);
  expect(takesSites(node({ report: nodeReport({ trouble: "its Docker engine does not answer" }) }), lostMs)).toBe(false);
  expect(takesSites(node({ kind: "router" }), lostMs)).toBe(false);
});

test("heirs have the same files; without shared storage there are none", () => {
  const far = node({ id: "far", number: 4, report: nodeReport({ storage: "another" }) });
  const alone = node({ id: "alone", number: 5, report: nodeReport({ storage: null }) });
  const all = [a, b, c, far, alone].map((each) => ({ node: each, sites: 1 }));
  expect(heirsOf(a, all, lostMs).map(({ node: heir }) => heir.id)).toEqual(["b", "c"]);
  expect(heirsOf(far, all, lostMs)).toEqual([]);
  expect(heirsOf(alone, [...all, { node: node({ id: "x", report: nodeReport({ storage: null }) }), sites: 0 }], lostMs)).toEqual([]);
});
