import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { listScripts } from "./list-scripts.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "backlot-scripts-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function put(path: string, text = "#!/bin/sh\n", mode = 0o755): Promise<void> {
  await mkdir(join(root, path, ".."), { recursive: true });
  await writeFile(join(root, path), text, { mode });
}

/** What is listed: path, title, whether it can be executed, and what is wrong with its manual. */
async function listed(folder = ""): Promise<readonly unknown[]> {
  const scripts = await listScripts({ root, owner: null }, folder);
  return scripts.map(({ path, isExecutable, manual, manualProblem }) => [path, manual.title ?? null, isExecutable, manualProblem]);
}

test("scripts of the folder itself and of folders in it have the manuals beside them", async () => {
  await put("backup.sh");
  await put("backup.sh.yaml", "title: Back up\n");
  await put("old/report.sh", "#!/bin/sh\n", 0o644);
  await put("old/report.json", '{"title": "Report"}');
  expect(await listed()).toEqual([
    ["old/report.sh", "Report", false, null],
    ["backup.sh", "Back up", true, null],
  ]);
  expect(await listed("old")).toEqual([["report.sh", "Report", false, null]]);
});

test("a manual that cannot be used is told of, and the script is there all the same", async () => {
  await put("one.sh");
  await put("one.yaml", "titel: typo\n");
  await put("two.sh");
  await put("two.yaml", "title: [unclosed");
  const [one, two] = (await listed()) as [unknown[], unknown[]];
  expect(one).toEqual(["one.sh", null, true, expect.stringContaining("titel")]);
  expect(two).toEqual(["two.sh", null, true, expect.any(String)]);
});

test("links out of the folder, hidden files and a folder that is missing give nothing", async () => {
  await put(".hidden.sh");
  await put(".git/hook");
  await symlink("/bin/ls", join(root, "ls"));
  await put("real.sh");
  await symlink("real.sh", join(root, "inside"));
  expect(await listed()).toEqual([
    ["inside", null, true, null],
    ["real.sh", null, true, null],
  ]);
  expect(await listed("missing")).toEqual([]);
});
