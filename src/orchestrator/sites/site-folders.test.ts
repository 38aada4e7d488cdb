import { chmod, lstat, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { asOrdinaryUser } from "../../../test/support/as-ordinary-user.ts";
import { titled, whyNotRoot } from "../../../test/support/needs.ts";
import { SiteFolders } from "./site-folders.ts";

const notRoot = whyNotRoot();
const owner = { uid: 2_000_007, gid: 2_000_007 };
let data = "";
let folders = new SiteFolders({ sites: "", trash: "" });

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), "backlot-folders-"));
  folders = new SiteFolders({ sites: join(data, "sites"), trash: join(data, "trash") });
  await folders.open();
});
afterEach(() => rm(data, { recursive: true, force: true }));

describe("the folders of a site", () => {
  it.skipIf(notRoot !== null)(titled("belong to the site's user, also those that came otherwise", notRoot), async () => {
    await folders.make(7, owner);
    await rm(join(folders.folderOf(7), "private"), { recursive: true });
    await mkdir(join(folders.folderOf(7), "private"), { mode: 0o700 });
    await folders.make(7, owner);
    for (const name of ["", "public", "private", ".home"]) {
      const { uid, gid, mode } = await lstat(join(folders.folderOf(7), name));
      expect([name, uid, gid, mode & 0o777]).toEqual([name, owner.uid, owner.gid, 0o770]);
    }
  });

  it.skipIf(notRoot !== null)(titled("are never looked for behind a link", notRoot), async () => {
    await folders.make(7, owner);
    await mkdir(join(data, "outside"));
    await rm(join(folders.folderOf(7), "public"), { recursive: true });
    await symlink(join(data, "outside"), join(folders.folderOf(7), "public"));
    await folders.make(7, owner);
    expect((await lstat(join(data, "outside"))).uid).toBe(0);
  });

  it("keep the mode that a site gave them", async () => {
    await folders.make(7, null);
    await chmod(join(folders.folderOf(7), "public"), 0o755);
    await folders.make(7, null);
    expect((await lstat(join(folders.folderOf(7), "public"))).mode & 0o777).toBe(0o755);
  });

  it("go with everything in them, also what may not be entered, and again without complaint", async () => {
    await folders.make(7, null);
    await mkdir(join(folders.folderOf(7), "public/a/b/c"), { recursive: true });
    await writeFile(join(folders.folderOf(7), "public/a/b/c/file"), "x");
    await chmod(join(folders.folderOf(7), "public/a"), 0o000);
    await folders.remove(7);
    await folders.remove(7);
    expect(await readdir(join(data, "sites/00"))).toEqual([]);
    expect(await readdir(join(data, "trash"))).toEqual([]);
  });

  it("are there again, and gone, whatever rights their program took from them", () =>
    asOrdinaryUser(data, async () => {
      const site = new SiteFolders({ sites: join(data, "own/sites"), trash: join(data, "own/trash") });
      await site.open();
      await site.make(7, null);
      const root = site.folderOf(7);
      await writeFile(join(root, "public/file"), "x");
      await rm(join(root, "private"), { recursive: true });
      await chmod(join(root, "public"), 0o000);
      for (const mode of [0o000, 0o400, 0o500]) {
        await chmod(root, mode);
        await site.make(7, null);
        expect((await readdir(root)).toSorted()).toEqual([".home", "private", "public"]);
      }
      expect((await lstat(join(root, "public"))).mode & 0o777).toBe(0o000);
      await chmod(root, 0o500);
      await site.remove(7);
      expect([await readdir(join(data, "own/sites/00")), await readdir(join(data, "own/trash"))]).toEqual([[], []]);
    }));

  it("of a removal that was cut short are swept", async () => {
    await mkdir(join(data, "trash/7-cut-short/public"), { recursive: true });
    await writeFile(join(data, "trash/7-cut-short/public/file"), "x");
    await folders.sweep();
    expect(await readdir(join(data, "trash"))).toEqual([]);
  });
});
