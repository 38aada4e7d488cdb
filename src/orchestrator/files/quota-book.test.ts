import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { defaultSiteLimits } from "#contract/site.ts";
import { Draft } from "#kit/jail/draft.ts";
import type { Usage } from "./quota.ts";
import { QuotaBook } from "./quota-book.ts";

let folder: string;
let now: number;
let book: QuotaBook;
const limits = { ...defaultSiteLimits, fileBytes: 1_000_000, diskBytes: 1_000_000 };
const spec = {
  siteId: 1,
  name: "one",
  kind: "static",
  availability: "enabled",
  limits,
  environment: {},
  timeZone: "UTC",
  canRunTwice: true,
  egress: "none",
  database: null,
  isTrusted: false,
  revision: 1,
} as const;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "backlot-quota-"));
  now = 1_000_000;
  const sites = { folderOf: () => folder, specOf: () => spec, ownerOf: () => null };
  book = new QuotaBook({ sites, clock: { now: () => now, isSteady: true }, reservedBytes: 0, freeBytes: async () => 1e12 });
});
afterEach(() => rmSync(folder, { recursive: true }));

it("counts by a scan that is at most a minute old, and what was kept since", async () => {
  writeFileSync(join(folder, "a"), "x".repeat(1000));
  expect(await book.usage(1)).toEqual({ bytes: 1000, files: 1, isTooDeep: false, isShut: false });
  writeFileSync(join(folder, "by-program"), "x".repeat(500));
  {
    using account = await book.open(1, { files: 1 });
    account.take(70);
    account.keep();
  }
  {
    using account = await book.open(1, { files: 1 });
    account.take(30);
  }
  expect(await book.usage(1)).toEqual({ bytes: 1070, files: 2, isTooDeep: false, isShut: false });
  now += 60_000;
  expect(await book.usage(1)).toEqual({ bytes: 1500, files: 2, isTooDeep: false, isShut: false });
});

it("looks again before it refuses somebody by an old scan", async () => {
  writeFileSync(join(folder, "a"), "x".repeat(999_000));
  await book.usage(1);
  rmSync(join(folder, "a"));
  await expect(book.open(1, { files: 1, expectedBytes: 5000 })).rejects.toMatchObject({ code: "quota_exceeded" });
  now += 2_000;
  using account = await book.open(1, { files: 1, expectedBytes: 5000 });
  account.take(5000);
});

it("does not count what is being written twice", async () => {
  await using draft = new Draft({ root: folder, owner: null });
  await draft.write(Buffer.alloc(600_000), 0);
  using account = await book.open(1, { files: 1 });
  account.take(600_000);
  now += 60_000;
  expect(await book.usage(1)).toEqual({ bytes: 0, files: 0, isTooDeep: false, isShut: false });
  using other = await book.open(1, { files: 1 });
  expect(() => other.take(399_000)).not.toThrow();
  expect(() => other.take(2_000)).toThrow(/full/);
});

it("what a write replaces counts once, however many replace it, and not when it is gone", async () => {
  writeFileSync(join(folder, "a"), "x".repeat(600_000));
  const replaces = { bytes: 600_000, files: 1 };
  {
    using first = await book.open(1, { files: 1, replaces });
    using second = await book.open(1, { files: 1, replaces });
    for (const account of [first, second]) account.take(10);
    first.replacing(replaces);
    first.keep();
    second.replacing({ bytes: 10, files: 1 });
    second.keep();
  }
  // It is smaller now, but only counting says so.
  expect(await book.usage(1)).toMatchObject({ bytes: 600_000, files: 1 });
  using moved = await book.open(1, { files: 1, expectedBytes: 600_000, replaces });
  moved.take(600_000);
  expect(() => moved.replacing({ bytes: 0, files: 0 })).toThrow(/full/);
});

/** Overwrites a file by a body of unknown size. */
async function overwrite(name: string, bytes: number): Promise<void> {
  const path = join(folder, name);
  using account = await book.open(1, { files: 1, replaces: { bytes: statSync(path).size, files: 1 } });
  account.take(bytes);
  writeFileSync(path, "x".repeat(bytes));
  account.keep();
}

it("a file that becomes smaller and larger in turn fills nothing", async () => {
  writeFileSync(join(folder, "a"), "x".repeat(600_000));
  await book.usage(1);
  for (let round = 0; round < 3; round += 1) for (const bytes of [100_000, 600_000]) await overwrite("a", bytes);
  expect(await book.usage(1)).toMatchObject({ bytes: 600_000, files: 1 });
});

it("what becomes smaller little by little adds up, too", async () => {
  writeFileSync(join(folder, "a"), "x".repeat(900_000));
  writeFileSync(join(folder, "b"), "x".repeat(50_000));
  await book.usage(1);
  for (let round = 0; round < 10; round += 1) for (const bytes of [40_000, 50_000]) await overwrite("b", bytes);
  now += 2_000;
  expect(await book.usage(1)).toMatchObject({ bytes: 950_000, files: 2 });
});

it("in a full site a file that becomes a little smaller again and again does not have all of it counted each time", async () => {
  let scans = 0;
  const scan = async (): Promise<Usage> => {
    scans += 1;
    return { bytes: limits.diskBytes, files: 1, isTooDeep: false, isShut: false };
  };
  const sites = { folderOf: () => folder, specOf: () => spec, ownerOf: () => null };
  const full = new QuotaBook({ sites, clock: { now: () => now, isSteady: true }, reservedBytes: 0, freeBytes: async () => 1e12, scan });
  const shrink = async (lessBytes: number): Promise<number> => {
    using account = await full.open(1, { files: 1, replaces: { bytes: 100_000, files: 1 } });
    account.take(100_000 - lessBytes);
    account.keep();
    return scans;
  };
  for (let round = 0; round < 20; round += 1) expect(await shrink(1)).toBe(1);
  now += 2_000;
  expect(await shrink(1)).toBe(2);
  // So much is not left uncounted: a body of unknown size may need it.
  expect([await shrink(50_000), await shrink(1)]).toEqual([2, 3]);
});

it("shares one scan among all who ask at once", async () => {
  const { promise, resolve } = Promise.withResolvers<Usage>();
  let scans = 0;
  const scan = (): Promise<Usage> => {
    scans += 1;
    return promise;
  };
  const sites = { folderOf: () => folder, specOf: () => spec, ownerOf: () => null };
  const shared = new QuotaBook({ sites, clock: { now: () => now, isSteady: true }, reservedBytes: 0, freeBytes: async () => 1e12, scan });
  const asked = [shared.usage(1), shared.usage(1), shared.open(1, { files: 0 }).then(() => shared.usage(1))];
  resolve({ bytes: 7, files: 1, isTooDeep: false, isShut: false });
  expect(await Promise.all(asked)).toEqual(Array(3).fill({ bytes: 7, files: 1, isTooDeep: false, isShut: false }));
  expect(scans).toBe(1);
});

it("says of a folder that went away that it is not there", async () => {
  const sites = { folderOf: () => join(folder, "gone"), specOf: () => spec, ownerOf: () => null };
  const clock = { now: () => now, isSteady: true } as const;
  await expect(new QuotaBook({ sites, clock, reservedBytes: 0 }).usage(1)).rejects.toMatchObject({ code: "file_not_found" });
  const scan = async (): Promise<Usage> => ({ bytes: 0, files: 0, isTooDeep: false, isShut: false });
  await expect(new QuotaBook({ sites, clock, reservedBytes: 0, scan }).open(1, { files: 1 })).rejects.toMatchObject({ code: "file_not_found" });
});

it("nothing is overwritten where so many files are that what they hold was not counted", async () => {
  const few = { ...spec, limits: { ...limits, files: 3 } };
  const sites = { folderOf: () => folder, specOf: () => few, ownerOf: () => null };
  const bounded = new QuotaBook({ sites, clock: { now: () => now, isSteady: true }, reservedBytes: 0, freeBytes: async () => 1e12 });
  for (let n = 0; n < 6; n += 1) writeFileSync(join(folder, String(n)), "");
  const overwriting = { files: 1, replaces: { bytes: 0, files: 1 }, expectedBytes: 1000 };
  (await bounded.open(1, overwriting))[Symbol.dispose]();
  writeFileSync(join(folder, "6"), "");
  now += 60_000;
  await expect(bounded.open(1, overwriting)).rejects.toMatchObject({ code: "quota_exceeded" });
});
