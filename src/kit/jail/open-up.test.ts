import { chmodSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { asOrdinaryUser, removeShut } from "../../../test/support/as-ordinary-user.ts";
import { deletePath, movePath } from "./change-path.ts";
import { openRoot } from "./descriptor.ts";
import type { Jail } from "./jail.ts";
import { openRootUp, openUp } from "./open-up.ts";
import { walkTree } from "./walk-tree.ts";

let jail: Jail;
const inside = (path: string): string => join(jail.root, path);
const modeOf = (path: string): number => lstatSync(path).mode & 0o7777;

beforeEach(() => {
  jail = { root: mkdtempSync(join(tmpdir(), "backlot-shut-")), owner: null };
});
afterEach(() => removeShut(jail.root));

function makeFolders(...modes: readonly (readonly [string, number])[]): void {
  for (const [name, mode] of modes) {
    mkdirSync(inside(name));
    writeFileSync(inside(`${name}/file`), "x");
    chmodSync(inside(name), mode);
  }
}

async function pathsOf(whenShut?: () => void): Promise<readonly string[]> {
  const seen: string[] = [];
  for await (const entry of walkTree(jail, "", whenShut === undefined ? {} : { whenShut })) seen.push(entry.path);
  return seen.toSorted();
}

describe("where the platform is an ordinary user, as the sites' programs are", () => {
  it("a walk passes over what is shut in folders, or opens it up when it has to see everything", () =>
    asOrdinaryUser(jail.root, async () => {
      makeFolders(["listed", 0o400], ["none", 0o000], ["open", 0o755], ["searched", 0o300]);
      const names = ["listed", "none", "open", "searched"];
      expect(await pathsOf()).toEqual(names.toSpliced(3, 0, "open/file"));
      const whenShut = vi.fn();
      expect(await pathsOf(whenShut)).toEqual(names.flatMap((name) => [name, `${name}/file`]));
      expect([whenShut.mock.calls.length, modeOf(inside("none")), modeOf(inside("open"))]).toEqual([0, 0o700, 0o755]);
    }));

  it("a walk says of folders that are shut again in that moment that it could not see everything", () =>
    asOrdinaryUser(jail.root, async () => {
      makeFolders(["again", 0o755]);
      writeFileSync(inside("again/other"), "x");
      const whenShut = vi.fn();
      for await (const entry of walkTree(jail, "", { whenShut })) if (entry.path.startsWith("again/")) chmodSync(inside("again"), 0o400);
      expect(whenShut).toHaveBeenCalledTimes(1);
    }));

  it("a root is opened whatever its program did to it, and a link in its place is not followed", () =>
    asOrdinaryUser(jail.root, async () => {
      mkdirSync(inside("root"), { mode: 0o000 });
      expect(() => openRoot(inside("root"))).toThrow("EACCES");
      openRootUp(inside("root"))[Symbol.dispose]();
      expect(modeOf(inside("root"))).toBe(0o700);
      chmodSync(inside("root"), 0o2750);
      openRootUp(inside("root"))[Symbol.dispose]();
      expect(modeOf(inside("root"))).toBe(0o2750);
      mkdirSync(inside("elsewhere"), { mode: 0o000 });
      symlinkSync("elsewhere", inside("link"));
      using root = openRoot(jail.root);
      openUp(root.fd, "link");
      openUp(root.fd, "nowhere");
      expect(() => openRootUp(inside("link"))).toThrow();
      expect(modeOf(inside("elsewhere"))).toBe(0o000);
    }));

  it("what a folder holds that is shut in that moment is told in words", () =>
    asOrdinaryUser(jail.root, async () => {
      makeFolders(["links", 0o755], ["listed", 0o400], ["open", 0o755]);
      rmSync(inside("links/file"));
      symlinkSync("nowhere", inside("links/link"));
      const targets: unknown[] = [];
      for await (const entry of walkTree(jail, "links")) {
        chmodSync(inside("links"), 0o400);
        targets.push(entry.describe().target);
      }
      expect(targets).toEqual([""]);
      await expect(movePath(jail, "open/file", { path: "listed/file", replace: true })).rejects.toMatchObject({ code: "file_forbidden" });
    }));

  it("a folder in which its owner may not write is deleted with everything in it", () =>
    asOrdinaryUser(jail.root, async () => {
      makeFolders(["kept", 0o500]);
      await deletePath(jail, "kept", { recursive: true });
      expect(await pathsOf()).toEqual([]);
    }));
});
