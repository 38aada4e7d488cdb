import { appendFile, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { logLine } from "#contract/internal/orchestrator.ts";
import { SiteLog } from "./site-log.ts";

const clock = { now: () => 0 };
let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "backlot-log-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function open(fileBytes = 100_000, waitingCharacters = 100_000): SiteLog {
  return new SiteLog({ folder: join(folder, "7"), clock, limits: { fileBytes, waitingCharacters, followers: 3 } });
}

function lines(text: string): string[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => logLine.parse(JSON.parse(line)).line);
}

function numbers(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, index) => `line ${from + index}`);
}

describe("a site's log", () => {
  it("gives the last lines, whole and in order", async () => {
    const log = open();
    for (const line of numbers(0, 100)) log.write("stdout", line);
    expect(lines(await log.tail(3))).toEqual(["line 97", "line 98", "line 99"]);
    expect(await log.tail(0)).toBe("");
    expect(JSON.parse((await log.tail(1)).trim())).toEqual({ at: "1970-01-01T00:00:00.000Z", stream: "stdout", line: "line 99" });
  });

  it("is empty for a site that has never said anything", async () => {
    expect(await open().tail(10)).toBe("");
    expect(await readdir(folder)).toEqual([]);
  });

  it("is kept across restarts, also when a crash cut its last line in half", async () => {
    const first = open();
    first.write("stdout", "before");
    await first.flushed();
    await appendFile(join(folder, "7/current.ndjson"), '{"at":"1970-01-01T00:00:00.000Z","stream":"std');
    const second = open();
    second.write("stderr", "after");
    expect(lines(await second.tail(10))).toEqual(["before", "after"]);
  });

  it("takes two files of the limit at most, and reads across them", async () => {
    const log = open(10_000);
    for (const line of numbers(0, 1_000)) {
      log.write("stdout", line);
      await log.flushed();
    }
    const sizes = await Promise.all((await readdir(join(folder, "7"))).map(async (name) => (await stat(join(folder, "7", name))).size));
    expect(sizes).toHaveLength(2);
    for (const size of sizes) expect(size).toBeLessThanOrEqual(10_000);
    expect(lines(await log.tail(120))).toEqual(numbers(880, 1_000));
  });

  it("loses lines instead of memory when the disk does not keep up, and says so", async () => {
    const log = open(100_000, 2_000);
    for (const line of numbers(0, 1_000)) log.write("stdout", line);
    const kept = lines(await log.tail(2_000));
    expect(kept.length).toBeLessThan(100);
    expect(kept.at(-1)).toMatch(/^9\d\d lines were lost here: the disk is too slow or full$/);
  });

  it("gives a follower every line once, though lines are written while it comes in", async () => {
    for (let round = 0; round < 20; round += 1) {
      const log = new SiteLog({ folder: join(folder, String(round)), clock });
      const leave = new AbortController();
      for (const line of numbers(0, round)) log.write("stdout", line);
      const following = log.follow(1_000, leave.signal);
      for (const line of numbers(round, 100)) {
        log.write("stdout", line);
        await new Promise((resolve) => setImmediate(resolve));
      }
      const followed: string[] = [];
      for await (const text of await following) {
        followed.push(...lines(text));
        if (followed.includes("line 99")) break;
      }
      expect(followed).toEqual(numbers(0, 100));
      leave.abort();
      await log.close();
    }
  });

  it("ends a follower when its access ends and when the site goes", async () => {
    const log = open();
    log.write("stdout", "one");
    const leave = new AbortController();
    const reader = await log.follow(10, leave.signal);
    expect(lines(String((await reader.next()).value))).toEqual(["one"]);
    const next = reader.next();
    leave.abort();
    expect((await next).done).toBe(true);

    const other = await log.follow(0, new AbortController().signal);
    const waiting = other.next();
    await log.delete();
    expect((await waiting).done).toBe(true);
    expect(await readdir(folder)).toEqual([]);
  });

  it("refuses more followers than it can serve", async () => {
    const log = open();
    const leave = new AbortController();
    for (let follower = 0; follower < 3; follower += 1) await log.follow(0, leave.signal);
    await expect(log.follow(0, leave.signal)).rejects.toMatchObject({ code: "rate_limited" });
    leave.abort();
    const first = (await log.follow(0, new AbortController().signal)).next();
    log.write("stdout", "hello");
    expect((await first).done).toBe(false);
  });
});
