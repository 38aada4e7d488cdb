// Trees and large files through every client that people have, byte for byte, and on after a cut. BACKLOT_TEST_LARGE=1 takes 2,000 files
// and 1 GiB with each of them; otherwise lftp gets a tree of 300 and the others one of 60, and files are smaller.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createSite, updateSite } from "#contract/api/sites.ts";
import { siteFolder } from "#contract/site.ts";
import { type Backlot, startBacklot } from "../support/backlot.ts";
import { runClient } from "../support/ftp-clients.ts";
import { type FtpAction, type FtpCommand, type FtpJob, type FtpProgram, ftpPrograms } from "../support/ftp-programs.ts";

const isLarge = process.env.BACKLOT_TEST_LARGE === "1";
const largeBytes = isLarge ? 1024 ** 3 : 24 * 1024 ** 2;
const withinMs = isLarge ? 600_000 : 120_000;
const account = { user: "ada/files", password: "password of ada" };

let folder: string;
let backlot: Backlot;
/** The site's folder on the disk. */
let site: string;
let count = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "backlot-ftp-transfers-"));
  backlot = await startBacklot();
  const ada = await backlot.addPerson("ada");
  const { site: made, operation } = await ada.client.call(createSite, { body: { name: "files", kind: "static" } });
  await ada.succeeded(operation);
  site = join(backlot.data, "sites", siteFolder(made.id));
  const limits = { fileBytes: 2 * 1024 ** 3, diskBytes: 20 * 1024 ** 3, files: 200_000 };
  const admin = await backlot.admin();
  await admin.client.call(updateSite, { params: { name: "files" }, body: { limits, reason: "large files" } });
  for (const size of [isLarge ? 2_000 : 300, 60]) await makeTree(join(folder, `tree-${size}`), size);
  await writeRandom(join(folder, "large.bin"), largeBytes);
}, 300_000);
afterAll(async () => {
  await backlot?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function makeTree(tree: string, files: number): Promise<void> {
  for (let index = 0; index < files; index += 1) {
    const part = join(tree, `folder ${index % 20}`, ...(index % 3 === 0 ? ["deeper"] : []));
    if (index < 60) await mkdir(part, { recursive: true });
    await writeFile(join(part, `file ${index}.bin`), randomBytes(1 + ((index * 37) % 4_000)));
  }
}

async function writeRandom(path: string, bytes: number): Promise<void> {
  const file = createWriteStream(path);
  for (let left = bytes; left > 0; left -= 1 << 20) if (!file.write(randomBytes(Math.min(left, 1 << 20)))) await once(file, "drain");
  file.end();
  await once(file, "finish");
}

const job = (action: FtpAction, given: Omit<FtpJob, "action" | "door" | "user" | "password">): FtpJob => ({ door: backlot.ftp, ...account, action, ...given });

async function run({ argv, input }: FtpCommand): Promise<void> {
  const { code, output } = await runClient(argv, { cwd: folder, withinMs, ...(input === undefined ? {} : { input }) });
  expect([argv[0], code, code === 0 ? "" : output]).toEqual([argv[0], 0, ""]);
}

const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  );

/** Starts a client and kills it once this much of the file has arrived. */
async function cutOff({ argv, input }: FtpCommand, arriving: string): Promise<void> {
  const [file, ...args] = argv;
  const child: ChildProcess = spawn(file, args, { cwd: folder, stdio: ["pipe", "ignore", "ignore"] });
  const ended = once(child, "exit");
  // tnftp ends at the end of its input; the others read none.
  child.stdin?.write(input ?? "");
  while ((await sizeOf(arriving)) < largeBytes / 4 && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 2));
  child.kill("SIGKILL");
  await ended;
}

const isSame = (one: string, other: string) => spawnSync("diff", ["-r", one, other], { encoding: "utf8" });
const programs = ftpPrograms.filter(({ isThere }) => isThere);

describe.each(programs)(
  "$name",
  (program: FtpProgram) => {
    it("takes a tree up and down", async () => {
      const like = join(folder, isLarge ? "tree-2000" : program.name === "lftp, FTPS" ? "tree-300" : "tree-60");
      const [remote, back] = [`tree-${++count}`, join(folder, `back-${count}`)];
      await run(program.command(job("put-tree", { local: like, remote })));
      expect(isSame(like, join(site, remote))).toMatchObject({ status: 0, stdout: "" });
      await run(program.command(job("get-tree", { local: back, remote, like })));
      expect(isSame(like, back)).toMatchObject({ status: 0, stdout: "" });
      for (const path of [join(site, remote), back]) await rm(path, { recursive: true });
    });

    it("goes on with a large file after a cut, up and down", async () => {
      const [local, remote] = [join(folder, "large.bin"), `large-${++count}.bin`];
      const [there, back] = [join(site, remote), join(folder, `back-${count}.bin`)];
      await cutOff(program.command(job("put", { local, remote })), there);
      // What the door had taken when the client was killed is still being written.
      let offset = -1;
      for (let now = await sizeOf(there); now !== offset; now = await sizeOf(there)) {
        offset = now;
        await new Promise((resolve) => setTimeout(resolve, 150));
      }
      expect(offset).toBeGreaterThan(0);
      expect(offset).toBeLessThan(largeBytes);
      await run(program.command(job("put-rest", { local, remote, offset })));
      expect(isSame(local, there)).toMatchObject({ status: 0, stdout: "" });
      await cutOff(program.command(job("get", { local: back, remote })), back);
      expect(await sizeOf(back)).toBeLessThan(largeBytes);
      await run(program.command(job("get-rest", { local: back, remote })));
      expect(isSame(local, back)).toMatchObject({ status: 0, stdout: "" });
      for (const path of [there, back]) await rm(path);
    });
  },
  withinMs * 4,
);
