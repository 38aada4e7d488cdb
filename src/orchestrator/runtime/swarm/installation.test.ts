import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { installationIn } from "./installation.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "backlot-installation-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const nameOf = (name: string) => installationIn(join(root, name, "sites-state"), join(root, name, "sites"));

it("is the same for all orchestrators that share a folder, also when they begin at once, and ever after", async () => {
  const names = await Promise.all([nameOf("a"), nameOf("a"), nameOf("a")]);
  expect(names[0]).toMatch(/^[a-z0-9]{6}$/);
  // By now there are sites, whose services carry that name.
  mkdirSync(join(root, "a/sites/00"));
  expect([...names, await nameOf("a")]).toEqual(Array.from({ length: 4 }, () => names[0]));
});

it("is another one for every Backlot, although the folder has the same name on the machines of both", async () => {
  const staging = await nameOf("same");
  rmSync(join(root, "same"), { recursive: true });
  expect(await nameOf("same")).not.toBe(staging);
});

it("stays what services that are there already carry: made of the folder's name", async () => {
  mkdirSync(join(root, "old/sites/00"), { recursive: true });
  const digest = createHash("sha256")
    .update(realpathSync(join(root, "old/sites")))
    .digest();
  expect(await nameOf("old")).toBe(digest.readUIntBE(0, 6).toString(36).slice(0, 6).padStart(6, "0"));
});
