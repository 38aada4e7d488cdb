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

const ada = { site: 1, siteEpoch: 0, user: 9, userEpoch: 0, verbs: ["site.read", "site.shell"] };
const soon = { renewedWithinMs: 20 };
const late = { renewedWithinMs: 60_000 };

test("what a grant opened closes when the site's access has changed and nobody renews it in time", async () => {
  const table = new EpochTable(soon);
  const mine = table.watch(ada);
  const others = table.watch({ site: 2, siteEpoch: 0 });
  table.raise({ sites: [[1, 1]], users: [] });
  expect(mine.signal.aborted).toBe(false);
  expect(table.stale()).toEqual([{ site: 1, user: 9 }]);
  await expect.poll(() => mine.signal.aborted).toBe(true);
  expect(others.signal.aborted).toBe(false);
  expect(table.stale()).toEqual([]);
});

test("what is opened under the earlier epoch just then is renewed or closed, too", async () => {
  const table = new EpochTable(soon);
  table.raise({ sites: [[1, 1]], users: [] });
  const born = table.watch(ada);
  expect(table.stale()).toEqual([{ site: 1, user: 9 }]);
  await expect.poll(() => born.signal.aborted).toBe(true);
});

test("what a person's own epoch is about, and what nobody could renew, closes at once", () => {
  const table = new EpochTable(late);
  const [own, nobodys] = [table.watch(ada), table.watch({ site: 1, siteEpoch: 0 })];
  table.raise({ sites: [[1, 1]], users: [] });
  expect([own.signal.aborted, nobodys.signal.aborted]).toEqual([false, true]);
  table.raise({ sites: [], users: [[9, 1]] });
  expect(own.signal.aborted).toBe(true);
});

test("what is renewed goes on until the next change", async () => {
  const table = new EpochTable(soon);
  const mine = table.watch({ ...ada, site: "*" }, 1);
  for (const siteEpoch of [1, 2]) {
    table.raise({ sites: [[1, siteEpoch]], users: [] });
    table.renew({ site: 1, user: 9, siteEpoch, userEpoch: 0, verbs: ["site.read", "site.logs", "site.shell"] });
    expect(table.stale()).toEqual([]);
  }
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(mine.signal.aborted).toBe(false);
  table.raise({ sites: [[1, 3]], users: [] });
  await expect.poll(() => mine.signal.aborted).toBe(true);
});

test("a renewal that was judged before the last change does not count", async () => {
  const table = new EpochTable(soon);
  const mine = table.watch(ada);
  table.raise({ sites: [[1, 2]], users: [] });
  table.renew({ ...ada, siteEpoch: 1 });
  expect(table.stale()).toEqual([{ site: 1, user: 9 }]);
  await expect.poll(() => mine.signal.aborted).toBe(true);
});

test("whoever may do less now keeps what needs no more, and loses the rest at once", () => {
  const table = new EpochTable(late);
  const [shell, reading, anothers] = [table.watch(ada), table.watch({ ...ada, verbs: ["site.read"] }), table.watch({ ...ada, user: 8 })];
  table.raise({ sites: [[1, 1]], users: [] });
  table.renew({ ...ada, siteEpoch: 1, verbs: ["site.read", "site.logs"] });
  expect([shell, reading, anothers].map(({ signal }) => signal.aborted)).toEqual([true, false, false]);
  expect(table.stale()).toEqual([{ site: 1, user: 8 }]);
  // Somebody else's sign-in of the same number: an epoch of the person that the grant does not know.
  table.renew({ ...ada, user: 8, siteEpoch: 1, userEpoch: 1 });
  expect(anothers.signal.aborted).toBe(true);
});

test("a released watch hears nothing more", async () => {
  const table = new EpochTable(soon);
  const { signal, release } = table.watch(ada);
  table.raise({ sites: [[1, 1]], users: [] });
  release();
  expect(table.stale()).toEqual([]);
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(signal.aborted).toBe(false);
});
