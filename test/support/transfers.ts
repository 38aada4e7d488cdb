// Trees and large files for real clients, and transfers that are cut off in the middle. BACKLOT_TEST_LARGE=1 takes 2,000 files and 1 GiB with each
// client; BACKLOT_TEST_FILES and BACKLOT_TEST_LARGE_BYTES set either of them alone.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createWriteStream, type Stats } from "node:fs";
import { mkdir, readdir, stat, truncate, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { createSite, updateSite } from "#contract/api/sites.ts";
import { siteFolder } from "#contract/site.ts";
import type { Backlot } from "./backlot.ts";
import type { Person } from "./backlot-person.ts";

const isLarge = process.env.BACKLOT_TEST_LARGE === "1";
const files = Number(process.env.BACKLOT_TEST_FILES ?? (isLarge ? 2_000 : 45));
const largeBytes = Number(process.env.BACKLOT_TEST_LARGE_BYTES ?? (isLarge ? 1024 ** 3 : 12 * 1024 ** 2));

/** How much each client has to carry; a small part of it unless somebody asks for more. */
export const transferSizes = { files, largeBytes, withinMs: files > 500 || largeBytes > 100 * 1024 ** 2 ? 900_000 : 120_000 } as const;

/** A program with its arguments, and what it reads. */
export interface ClientCommand {
  readonly argv: readonly [string, ...string[]];
  readonly input?: string;
}

/** A person's site with room for all of it; the folder where its files stand on the disk. */
export async function roomySite(backlot: Backlot, person: Person, name: string): Promise<string> {
  const { site, operation } = await person.client.call(createSite, { body: { name, kind: "static" } });
  await person.succeeded(operation);
  const limits = { fileBytes: 2 * 1024 ** 3, diskBytes: 20 * 1024 ** 3, files: 200_000 };
  await (await backlot.admin()).client.call(updateSite, { params: { name }, body: { limits, reason: "large files" } });
  return join(backlot.data, "sites", siteFolder(site.id));
}

/** Files of up to 4 kB in twenty folders and their subfolders, with spaces in their names. */
export async function makeTree(tree: string, files: number): Promise<void> {
  for (let index = 0; index < files; index += 1) {
    const part = join(tree, `folder ${index % 20}`, ...(index % 3 === 0 ? ["deeper"] : []));
    if (index < 60) await mkdir(part, { recursive: true });
    await writeFile(join(part, `file ${index}.bin`), randomBytes(1 + ((index * 37) % 4_000)));
  }
}

/** A file of random bytes. */
export async function writeRandom(path: string, bytes: number): Promise<void> {
  const file = createWriteStream(path);
  for (let left = bytes; left > 0; left -= 1 << 20) if (!file.write(randomBytes(Math.min(left, 1 << 20)))) await once(file, "drain");
  file.end();
  await once(file, "finish");
}

/** What differs between two folders or files, as `diff` says it: nothing. */
export function differences(one: string, other: string): string {
  const { status, stdout, stderr } = spawnSync("diff", ["-r", one, other], { encoding: "utf8" });
  return status === 0 ? "" : `${stdout}${stderr}` || "diff failed";
}

/**
 * Starts a client and ends it once a quarter of the file has arrived; how much of it is there then. One that was quicker than that
 * has its file cut off afterwards, as if the connection had been.
 */
export async function cutOff(
  { argv, input }: ClientCommand,
  at: { readonly folder: string; readonly arriving: string; readonly signal?: NodeJS.Signals },
): Promise<number> {
  const [file, ...args] = argv;
  const child: ChildProcess = spawn(file, args, { cwd: at.folder, stdio: ["pipe", "ignore", "ignore"] });
  const ended = once(child, "exit");
  child.stdin?.on("error", () => undefined);
  // tnftp and sftp end at the end of their input; the others read none.
  child.stdin?.write(input ?? "");
  while ((await arrivedOf(at.arriving)) < transferSizes.largeBytes / 4 && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 2));
  child.kill(at.signal ?? "SIGKILL");
  await ended;
  return settled(at.arriving);
}

// What the door had taken when the client was killed is still being written: as long as somebody holds the file open.
async function settled(path: string): Promise<number> {
  const until = Date.now() + transferSizes.withinMs;
  while (await isHeldOpen(path)) {
    if (Date.now() > until) throw new Error(`${path} is still being written`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const arrived = await arrivedOf(path);
  if (arrived < transferSizes.largeBytes) return arrived;
  await truncate(path, Math.floor(transferSizes.largeBytes / 3));
  return Math.floor(transferSizes.largeBytes / 3);
}

// By any process, whatever it calls the file: programs in a sandbox see other paths.
async function isHeldOpen(path: string): Promise<boolean> {
  const wanted = new Set((await statsOf(path)).map(({ dev, ino }) => `${dev}:${ino}`));
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const folder = `/proc/${pid}/fd`;
    // Another's, or gone.
    for (const fd of await readdir(folder).catch((): string[] => [])) {
      const held = await stat(`${folder}/${fd}`).catch(() => null);
      if (held !== null && wanted.has(`${held.dev}:${held.ino}`)) return true;
    }
  }
  return false;
}

async function arrivedOf(path: string): Promise<number> {
  return Math.max(0, ...(await statsOf(path)).map(({ size }) => size));
}

// rsync gives a file its name when it is whole, or when it is told to keep the part.
async function statsOf(path: string): Promise<readonly Stats[]> {
  const names = (await readdir(dirname(path)).catch((): string[] => [])).filter((name) => name === basename(path) || name.startsWith(`.${basename(path)}.`));
  const stats = await Promise.all(names.map((name) => stat(join(dirname(path), name)).catch(() => null)));
  return stats.filter((each) => each !== null);
}
