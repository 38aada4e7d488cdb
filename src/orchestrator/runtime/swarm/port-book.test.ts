import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { PortBook } from "./port-book.ts";

const folder = mkdtempSync(join(tmpdir(), "backlot-ports-"));
let now = 0;
const clock = { now: () => now, isSteady: true } as const;
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it("gives a port to no other site while the one before runs, or has ended just now", () => {
  const book = new PortBook({ folder, clock });
  expect(book.take(32_768, { siteId: 1, start: "a" })).toBe(true);
  // The engine was restarted, and the end of the first is not known yet.
  expect(book.take(32_768, { siteId: 2, start: "b" })).toBe(false);
  book.release(32_768, "a");
  expect(book.take(32_768, { siteId: 2, start: "c" })).toBe(false);
  now += 60_000;
  expect(book.take(32_768, { siteId: 2, start: "d" })).toBe(true);
});

it("gives a site the port that it had, and forgets it only with the last program there", () => {
  const book = new PortBook({ folder, clock });
  book.hold(32_768, { siteId: 1, start: "a" });
  expect(book.take(32_768, { siteId: 1, start: "b" })).toBe(true);
  book.release(32_768, "a");
  now += 60_000;
  expect(book.take(32_768, { siteId: 2, start: "c" })).toBe(false);
});

it("says how many ports an engine that begins anew has to leave out", () => {
  const book = new PortBook({ folder, clock });
  for (const [index, port] of [32_768, 32_769, 32_771, 50_000].entries()) book.hold(port, { siteId: index + 1, start: `s${index}` });
  expect(book.take(32_768, { siteId: 9, start: "x" })).toBe(false);
  expect(book.ahead()).toBe(3);
  book.skipped(3);
  expect(book.ahead()).toBe(0);
  expect(book.take(32_772, { siteId: 9, start: "y" })).toBe(true);
});

it("knows them after a restart, for as long as they rest", () => {
  new PortBook({ folder, clock }).hold(32_768, { siteId: 1, start: "a" });
  const next = new PortBook({ folder, clock });
  expect([next.take(32_768, { siteId: 2, start: "b" }), next.take(32_768, { siteId: 1, start: "c" })]).toEqual([false, true]);
  const later = new PortBook({ folder, clock });
  now += 60_000;
  expect(later.take(32_768, { siteId: 2, start: "d" })).toBe(true);
});
