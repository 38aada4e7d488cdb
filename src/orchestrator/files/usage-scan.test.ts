import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { asOrdinaryUser } from "../../../test/support/as-ordinary-user.ts";
import { scanUsage } from "./usage-scan.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "backlot-scan-"));
});
afterEach(() => rmSync(root, { recursive: true }));

it("files are counted whatever rights a program took from its folders", () =>
  asOrdinaryUser(root, async () => {
    for (const name of ["listed", "none", "searched"]) {
      mkdirSync(join(root, name, "inner"), { recursive: true });
      writeFileSync(join(root, name, "inner/file"), "x".repeat(100));
    }
    const shut = { listed: 0o400, none: 0o000, "searched/inner": 0o000, searched: 0o300, "": 0o000 };
    for (const [name, mode] of Object.entries(shut)) chmodSync(join(root, name), mode);
    expect(await scanUsage({ root, owner: null }, 100)).toEqual({ bytes: 300, files: 9, isTooDeep: false, isShut: false });
  }));

it("counting ends at twice the files that a site may have", async () => {
  for (let n = 0; n < 30; n += 1) writeFileSync(join(root, String(n)), "");
  expect(await scanUsage({ root, owner: null }, 15)).toMatchObject({ files: 30 });
  expect(await scanUsage({ root, owner: null }, 5)).toMatchObject({ files: 11 });
});
