import { execFileSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { planFolder } from "./folder-plan.ts";
import { packFolder } from "./pack-folder.ts";

let root: string;
let site: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "backlot-pack-"));
  site = join(root, "site");
  await mkdir(site);
});
afterEach(() => rm(root, { recursive: true }));

async function put(path: string, content: string | Uint8Array = path): Promise<void> {
  await mkdir(join(site, path, ".."), { recursive: true });
  await writeFile(join(site, path), content);
}

async function unpacked(prefix = "", included: readonly string[] = []): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of packFolder(await planFolder(site, included), { prefix })) chunks.push(chunk);
  const target = join(root, "out");
  await mkdir(target);
  await writeFile(join(root, "a.tgz"), Buffer.concat(chunks));
  execFileSync("tar", ["-xzf", join(root, "a.tgz"), "-C", target]);
  return target;
}

test("what is packed is what a tar program unpacks: bytes, executable bits, inner links, empty folders, long names", async () => {
  const big = Buffer.alloc(300_000, "abc");
  const long = `deep/${"n".repeat(150)}/${"m".repeat(150)}.txt`;
  await put("big.bin", big);
  await put("empty.txt", "");
  await put(long, "long");
  await put("ünïcode ☂.txt", "u");
  await put("run.sh", "#!/bin/sh\n");
  await chmod(join(site, "run.sh"), 0o700);
  await mkdir(join(site, "hollow"));
  await symlink("../big.bin", join(site, "hollow", "link"));
  const out = await unpacked("public/");
  expect(await readFile(join(out, "public/big.bin"))).toEqual(big);
  expect(await readFile(join(out, "public/empty.txt"), "utf8")).toBe("");
  expect(await readFile(join(out, `public/${long}`), "utf8")).toBe("long");
  expect(await readFile(join(out, "public/ünïcode ☂.txt"), "utf8")).toBe("u");
  expect((await stat(join(out, "public/run.sh"))).mode & 0o777).toBe(0o755);
  expect(await readlink(join(out, "public/hollow/link"))).toBe("../big.bin");
});

test("leaves node_modules and .git behind, unless they are asked for", async () => {
  for (const path of ["a.txt", ".git/HEAD", "node_modules/x/index.js", "sub/node_modules/y.js", ".backlotignore"]) await put(path, "");
  const paths = async (included: readonly string[]) => (await planFolder(site, included)).entries.filter(({ kind }) => kind === "file").map(({ path }) => path);
  expect(await paths([])).toEqual(["a.txt"]);
  expect(await paths(["node_modules"])).toEqual(["a.txt", "node_modules/x/index.js", "sub/node_modules/y.js"]);
});

test("a .backlotignore keeps secrets behind whose names begin with a dot", async () => {
  for (const path of ["config/.env", ".config/.env", ".secret.key", "docs/.htpasswd", "a.txt"]) await put(path, "");
  await put(".backlotignore", "\ufeff.env\n*.key\ndocs/**\n");
  const { entries } = await planFolder(site);
  expect(entries.filter(({ kind }) => kind === "file").map(({ path }) => path)).toEqual(["a.txt"]);
});

test("a link that leads out of the folder is refused by name before anything is sent", async () => {
  for (const target of ["/etc/passwd", "../../secret", "a/../../../x"]) {
    await symlink(target, join(site, "bad"));
    await expect(planFolder(site)).rejects.toThrow(`bad links to ${target}, which is outside the folder.`);
    await rm(join(site, "bad"));
  }
});

test("pipes are left out and named, and one that takes a file's place does not hang the packing", async () => {
  execFileSync("mkfifo", [join(site, "pipe")]);
  await put("a.txt");
  const plan = await planFolder(site);
  expect(plan.special).toEqual(["pipe"]);
  await rm(join(site, "a.txt"));
  execFileSync("mkfifo", [join(site, "a.txt")]);
  await expect(drain(plan)).rejects.toThrow("a.txt changed while it was being read");
});

test("a file that shrinks while it is sent ends the packing with its name", async () => {
  await put("grow.bin", Buffer.alloc(500_000));
  const plan = await planFolder(site);
  await truncate(join(site, "grow.bin"), 10);
  await expect(drain(plan)).rejects.toThrow("grow.bin changed while it was being read. Nothing was deployed; run the command again.");
});

test("what cannot be read is told in words, and nothing is sent", async () => {
  await put("a.txt");
  const plan = await planFolder(site);
  await rm(join(site, "a.txt"));
  await expect(drain(plan)).rejects.toMatchObject({ code: "file_unreadable", message: expect.stringMatching(/^a\.txt cannot be read: ENOENT/) });
  await mkdir(join(site, ".backlotignore"));
  await expect(planFolder(site)).rejects.toMatchObject({ code: "file_unreadable", message: expect.stringContaining(".backlotignore cannot be read: EISDIR") });
});

test("a reader that stops early leaves no file open", async () => {
  for (let index = 0; index < 20; index++) await put(`f${index}`, Buffer.alloc(200_000, Math.random().toString()));
  for await (const _chunk of packFolder(await planFolder(site), { prefix: "" })) break;
  const open = await Promise.all((await readdir("/proc/self/fd")).map((name) => readlink(`/proc/self/fd/${name}`).catch(() => "")));
  expect(open.filter((target) => target.startsWith(site))).toEqual([]);
});

async function drain(plan: Awaited<ReturnType<typeof planFolder>>): Promise<void> {
  for await (const _chunk of packFolder(plan, { prefix: "" }));
}
