import { once } from "node:events";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { createStream } from "rotating-file-stream";
import { expect, test } from "vitest";
import { titled, whyNotRoot } from "../../test/support/needs.ts";
import { mountSmallDisk } from "../../test/support/small-disk.ts";
import { openLogFile } from "./log-file.ts";

const patience = { timeout: 20_000, interval: 5 };

const notRoot = whyNotRoot();
test.skipIf(notRoot !== null)(titled("after a full disk has room again, lines stand in the file again, each on a line of its own", notRoot), async () => {
  await using disk = await mountSmallDisk(64);
  const ballast = join(disk.folder, "ballast");
  const path = join(disk.folder, "router.log");
  let now = 0;
  const told: string[] = [];
  const streams: Writable[] = [];
  // The disk cannot go while a file of it is open.
  await using _closing = {
    [Symbol.asyncDispose]: async () => {
      for (const stream of streams.filter(({ closed }) => !closed)) await once(stream.destroy(), "close");
    },
  };
  const open = (): Writable => {
    const stream = createStream("router.log", { path: disk.folder });
    streams.push(stream);
    return stream;
  };
  const file = openLogFile(open, { clock: { now: () => now }, tell: (text) => told.push(text) });
  file.write("before\n");
  await expect.poll(() => readFileSync(path, "utf8"), patience).toBe("before\n");
  writeFileSync(ballast, Buffer.alloc(64 * 1024 - 8192));
  // What a write finds no room for in its middle is cut off without an error; only the next one fails.
  const line = `${"x".repeat(5_000)}\n`;
  await expect
    .poll(() => {
      file.write(line);
      return told.join("");
    }, patience)
    .toContain("ENOSPC");
  expect(readFileSync(path, "utf8")).toMatch(/x$/);

  rmSync(ballast);
  now += 10_000;
  file.write("after\n");
  await expect.poll(() => readFileSync(path, "utf8"), patience).toMatch(/^before\n(x+\n)+after\n$/);
  expect(streams).toHaveLength(2);
});
