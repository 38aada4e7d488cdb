import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from "vitest";
import { DeedJournal } from "./deed-journal.ts";
import { groupDeeds, grouping, type NumberedDeed } from "./group-deeds.ts";

const start = Date.parse("2026-01-01T00:00:00.000Z");
const later = start + 10 * grouping.longestMs;
const deed = (path: string, afterMs = 0, change: Partial<NumberedDeed> = {}): Omit<NumberedDeed, "number"> => ({
  siteId: 7,
  siteName: "seven",
  userId: 3,
  userName: "ann",
  door: "sftp",
  address: "192.0.2.1",
  action: "files.delete",
  at: new Date(start + afterMs).toISOString(),
  path,
  ...change,
});
const numbered = (deeds: readonly Omit<NumberedDeed, "number">[]): NumberedDeed[] => deeds.map((each, index) => ({ ...each, number: index + 1 }));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "backlot-deeds-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

it("two thousand deletions of one session are one entry with a count and the first few paths", () => {
  const many = numbered(Array.from({ length: 2000 }, (_, index) => deed(`f${index}`, index)));
  const { deeds, through } = groupDeeds(many, 0, later);
  expect(through).toBe(2000);
  expect(deeds).toEqual([
    {
      siteId: 7,
      siteName: "seven",
      userId: 3,
      userName: "ann",
      door: "sftp",
      address: "192.0.2.1",
      action: "files.delete",
      at: "2026-01-01T00:00:00.000Z",
      count: 2000,
      paths: Array.from({ length: grouping.paths }, (_, index) => `f${index}`),
    },
  ]);
});

it("other people, doors, addresses, actions and sites are entries of their own", () => {
  const others = [
    deed("a"),
    deed("b", 0, { userId: 4 }),
    deed("c", 0, { door: "ftp" }),
    deed("d", 0, { address: null }),
    deed("e", 0, { action: "files.move" }),
    deed("f", 0, { siteId: 8 }),
  ];
  expect(groupDeeds(numbered(others), 0, later).deeds.map((each) => [each.count, each.paths])).toEqual(others.map((each) => [1, [each.path]]));
});

it("what may still grow is held back, with everything after it; a group that goes on is told after a minute", () => {
  const two = numbered([deed("a"), deed("b", 5_000, { door: "ftp" }), deed("c", 5_100)]);
  expect(groupDeeds(two, 0, start + 5_200)).toMatchObject({ deeds: [{ paths: ["a"] }], through: 1 });
  expect(groupDeeds(two, 0, start + 9_000).through).toBe(3);
  const steady = numbered(Array.from({ length: 70 }, (_, index) => deed(`f${index}`, index * 1_000)));
  expect(groupDeeds(steady, 0, start + 30_000 - 1)).toMatchObject({ deeds: [], through: 0 });
  expect(groupDeeds(steady, 0, start + 69_500)).toMatchObject({ deeds: [{ count: 61 }], through: 61 });
});

it("a journal goes on after a crash in the middle of a line, and forgets what was taken over", async () => {
  const first = await DeedJournal.open(folder);
  await Promise.all([first.note(deed("a")), first.note(deed("b"))]);
  const [segment = ""] = readdirSync(folder).filter((name) => name.endsWith(".ndjson"));
  appendFileSync(join(folder, segment), '{"siteId":7,"si');
  const second = await DeedJournal.open(folder);
  expect(second.id).toBe(first.id);
  await second.note(deed("c"));
  expect(await second.collect(0, later)).toMatchObject({ deeds: [{ count: 3, paths: ["a", "b", "c"] }], through: 3 });
  expect(await second.collect(3, later)).toEqual({ deeds: [], through: 3 });
  expect(readdirSync(folder).filter((name) => name.endsWith(".ndjson"))).toEqual(["3.ndjson"]);
  await second.close();
});

it("the oldest are forgotten when nobody collects, and that is said", async () => {
  let lost = 0;
  const journal = await DeedJournal.open(folder, (count) => {
    lost += count;
  });
  for (let round = 0; round < 52; round += 1)
    await Promise.all(Array.from({ length: 5_000 }, (_, index) => journal.note(deed(`f${index}`, 0, { siteId: round }))));
  expect(lost).toBe(10_000);
  const { deeds } = await journal.collect(0, later);
  expect(deeds[0]?.siteId).toBe(2);
  await journal.close();
}, 60_000);

it("who waits for deeds hears of the next one at once, and of none when the time is over", async () => {
  const journal = await DeedJournal.open(folder);
  const { signal } = new AbortController();
  await journal.awaitAfter(0, { maxMs: 1, signal });
  const heard = journal.awaitAfter(0, { maxMs: 600_000, signal });
  await journal.note(deed("a"));
  await heard;
  // What is there already is not waited for, nor what another journal has counted.
  for (const after of [0, 7]) await journal.awaitAfter(after, { maxMs: 600_000, signal });
  const ended = new AbortController();
  const waiting = journal.awaitAfter(1, { maxMs: 600_000, signal: ended.signal });
  ended.abort();
  await waiting;
  await journal.close();
});

it("what could not be synced is tried again, and ends nothing", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  const journal = await DeedJournal.open(folder);
  await journal.note(deed("a"));
  const [name = ""] = readdirSync(folder).filter((each) => each.endsWith(".ndjson"));
  // In its place stands what cannot be opened for writing.
  rmSync(join(folder, name));
  mkdirSync(join(folder, name));
  await vi.advanceTimersByTimeAsync(1_000);
  await expect(journal.close()).rejects.toThrow("EISDIR");
  rmdirSync(join(folder, name));
  await vi.advanceTimersByTimeAsync(1_000);
  await journal.close();
  expect(readdirSync(folder)).toContain(name);
});
