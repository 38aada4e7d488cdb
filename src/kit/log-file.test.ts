import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createStream } from "rotating-file-stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openLogFile } from "./log-file.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "backlot-log-file-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const patience = { timeout: 20_000, interval: 5 };

test("a file that could not be written is begun again after ten seconds, and tried no sooner", async () => {
  const path = join(folder, "router.log");
  let now = 1_000_000;
  const told: string[] = [];
  // A folder in its place is what every user, root too, fails at.
  mkdirSync(path);
  const file = openLogFile(() => createStream("router.log", { path: folder }), { clock: { now: () => now }, tell: (text) => told.push(text) });
  file.write("lost\n");
  await expect.poll(() => told, patience).toHaveLength(1);
  expect(told[0]).toMatch(/^log file: .*router\.log.*\n$/);
  rmdirSync(path);

  now += 9_999;
  for (let line = 0; line < 3; line += 1) file.write("too early\n");
  now += 1;
  file.write("kept\n");
  file.write("kept too\n");
  await expect.poll(() => readFileSync(path, "utf8"), patience).toBe("\nkept\nkept too\n");
  expect(told).toHaveLength(1);

  file.write("and on\n");
  await expect.poll(() => readFileSync(path, "utf8"), patience).toContain("kept too\nand on\n");
});

test("a failure that lasts is told once a try, not once a line", async () => {
  let now = 0;
  const told: string[] = [];
  mkdirSync(join(folder, "router.log"));
  const file = openLogFile(() => createStream("router.log", { path: folder }), { clock: { now: () => now }, tell: (text) => told.push(text) });
  for (let tries = 1; tries <= 3; tries += 1) {
    await expect
      .poll(() => {
        file.write("a line\n");
        return told.length;
      }, patience)
      .toBe(tries);
    for (let line = 0; line < 5; line += 1) file.write("a line\n");
    now += 10_000;
  }
});
