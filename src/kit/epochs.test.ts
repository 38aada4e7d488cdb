import { expect, test } from "vitest";
import { EpochTable } from "./epochs.ts";

test("a grant of an earlier epoch is stale, of the same or a later one it is not", () => {
  const table = new EpochTable();
  table.raise({ sites: [[1, 3]], users: [[9, 5]] });
  expect(table.isStale({ site: 1, siteEpoch: 2 })).toBe(true);
  expect(table.isStale({ site: 1, siteEpoch: 3 })).toBe(false);
  expect(table.isStale({ site: 2, siteEpoch: 0 })).toBe(false);
  expect(table.isStale({ site: "*", user: 9, userEpoch: 4 })).toBe(true);
  expect(table.isStale({ site: "*", siteEpoch: 2 }, 1)).toBe(true);
});

test("a push that comes late or twice changes nothing", () => {
  const table = new EpochTable();
  table.raise({ sites: [[1, 3]], users: [] });
  table.raise({ sites: [[1, 1]], users: [] });
  expect(table.isStale({ site: 1, siteEpoch: 2 })).toBe(true);
});

test("what a grant opened hears of it at once when access is withdrawn", () => {
  const table = new EpochTable();
  const mine = table.watch({ site: 1, siteEpoch: 0, user: 9, userEpoch: 0 });
  const others = table.watch({ site: 2, siteEpoch: 0 });
  table.raise({ sites: [[1, 1]], users: [] });
  expect(mine.signal.aborted).toBe(true);
  expect(others.signal.aborted).toBe(false);
  expect(table.watch({ site: 1, siteEpoch: 0 }).signal.aborted).toBe(true);
});

test("a released watch hears nothing more", () => {
  const table = new EpochTable();
  const { signal, release } = table.watch({ site: 1, siteEpoch: 0 });
  release();
  table.raise({ sites: [[1, 1]], users: [] });
  expect(signal.aborted).toBe(false);
});
