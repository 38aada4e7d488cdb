import { mkdir, mkdtemp, readFile, readlink, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Failure } from "#contract/failure.ts";
import { unlimited } from "./draft.ts";
import type { Jail } from "./jail.ts";
import { makeLink } from "./make-link.ts";
import { resizeFile } from "./resize-file.ts";

let base: string;
let jail: Jail;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "backlot-link-"));
  jail = { root: join(base, "site"), owner: null };
  await mkdir(join(jail.root, "dir"), { recursive: true });
});
afterEach(() => rm(base, { recursive: true }));

test("a link is stored as it was given, when it leads into the site", async () => {
  for (const target of ["a", "../a", "/site/a", "../dir/./b", "/site"]) {
    await makeLink(jail, "dir/link", target);
    expect(await readlink(join(jail.root, "dir/link"))).toBe(target);
    await rm(join(jail.root, "dir/link"));
  }
});

test.each(["../../a", "/etc/passwd", "/site/../x", "/sites/a", "", "a\0b"])("a link to %j is refused, and nothing is made", async (target) => {
  await expect(makeLink(jail, "dir/link", target)).rejects.toMatchObject({ code: "path_outside_site" });
  await expect(readlink(join(jail.root, "dir/link"))).rejects.toThrow("ENOENT");
});

test("what is there already is not replaced", async () => {
  await writeFile(join(jail.root, "there"), "");
  await expect(makeLink(jail, "there", "dir")).rejects.toMatchObject({ code: "file_exists" });
  await expect(makeLink(jail, "", "dir")).rejects.toMatchObject({ code: "file_exists" });
});

test("a file is cut off and made longer by zeros, within its limits, and never through a link that leads out", async () => {
  const path = join(jail.root, "file");
  await writeFile(path, "0123456789");
  await resizeFile(jail, "file", { size: 4, budget: unlimited });
  expect(await readFile(path, "utf8")).toBe("0123");
  await resizeFile(jail, "file", { size: 6, budget: unlimited });
  expect([...(await readFile(path))]).toEqual([48, 49, 50, 51, 0, 0]);
  const taken: number[] = [];
  const budget = { fileBytes: 100, take: (bytes: number): void => void taken.push(bytes) };
  await resizeFile(jail, "file", { size: 50, budget });
  await resizeFile(jail, "file", { size: 5, budget });
  expect(taken).toEqual([44]);
  await expect(resizeFile(jail, "file", { size: 101, budget })).rejects.toMatchObject({ code: "file_too_large" });
  const full = {
    fileBytes: 100,
    take: (): void => {
      throw new Failure("disk_full");
    },
  };
  await expect(resizeFile(jail, "file", { size: 60, budget: full })).rejects.toMatchObject({ code: "disk_full" });
  expect((await readFile(path)).length).toBe(5);
  await writeFile(join(base, "outside"), "kept");
  await symlink("../outside", join(jail.root, "out"));
  await expect(resizeFile(jail, "out", { size: 0, budget: unlimited })).rejects.toMatchObject({ code: "path_outside_site" });
  expect(await readFile(join(base, "outside"), "utf8")).toBe("kept");
});
