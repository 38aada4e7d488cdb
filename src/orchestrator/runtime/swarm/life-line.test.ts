import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, it } from "vitest";
import { titled, whyNotRoot } from "../../../../test/support/needs.ts";
import { LifeLine } from "./life-line.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "backlot-life-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it("ends for whoever reads from it when the process that holds it goes, and only then", async () => {
  const life = await LifeLine.open(folder);
  const reader = spawn("/bin/sh", ["-c", 'exec 9<"$0"; echo opened; read -r _ <&9; echo over', life.folder.source], { stdio: ["ignore", "pipe", "inherit"] });
  const said = text(reader.stdout);
  await once(reader.stdout, "data");
  expect(reader.exitCode).toBeNull();
  life.close();
  expect(await said).toContain("over");
});

const notRoot = whyNotRoot();
it.skipIf(notRoot !== null)(titled("removes those of processes that are gone, and leaves one that somebody holds", notRoot), async () => {
  const [first, second] = [await LifeLine.open(folder), await LifeLine.open(folder)];
  // What a killed one leaves.
  execFileSync("mkfifo", [join(folder, "life/old")]);
  (await LifeLine.open(folder)).close();
  expect(readdirSync(join(folder, "life"))).toHaveLength(2);
  first.close();
  const third = await LifeLine.open(folder);
  expect(
    readdirSync(join(folder, "life"))
      .map((name) => join(folder, "life", name))
      .sort(),
  ).toEqual([second.folder.source, third.folder.source].sort());
  second.close();
  third.close();
});
