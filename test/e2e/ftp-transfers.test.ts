// Trees and large files through every client of FTP, byte for byte, and on after a cut; how large they are: test/support/transfers.ts.
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Backlot, startBacklot } from "../support/backlot.ts";
import { runClient } from "../support/ftp-clients.ts";
import { type FtpAction, type FtpJob, type FtpProgram, ftpPrograms } from "../support/ftp-programs.ts";
import { type ClientCommand, cutOff, differences, makeTree, roomySite, transferSizes, writeRandom } from "../support/transfers.ts";

const { files, largeBytes, withinMs } = transferSizes;
const account = { user: "ada/files", password: "password of ada" };

let folder: string;
let backlot: Backlot;
/** The site's folder on the disk. */
let site: string;
let count = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "backlot-ftp-transfers-"));
  backlot = await startBacklot();
  site = await roomySite(backlot, await backlot.addPerson("ada"), "files");
  await makeTree(join(folder, "tree"), files);
  await writeRandom(join(folder, "large.bin"), largeBytes);
}, 300_000);
afterAll(async () => {
  await backlot?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const job = (action: FtpAction, given: Omit<FtpJob, "action" | "door" | "user" | "password">): FtpJob => ({ door: backlot.ftp, ...account, action, ...given });

async function run({ argv, input }: ClientCommand): Promise<void> {
  const { code, output } = await runClient(argv, { cwd: folder, withinMs, ...(input === undefined ? {} : { input }) });
  expect([argv[0], code, code === 0 ? "" : output]).toEqual([argv[0], 0, ""]);
}

describe.each(ftpPrograms.filter(({ isThere }) => isThere))(
  "$name",
  (program: FtpProgram) => {
    it("takes a tree up and down", async () => {
      const [like, remote, back] = [join(folder, "tree"), `tree-${++count}`, join(folder, `back-${count}`)];
      await run(program.command(job("put-tree", { local: like, remote })));
      expect(differences(like, join(site, remote))).toBe("");
      await run(program.command(job("get-tree", { local: back, remote, like })));
      expect(differences(like, back)).toBe("");
      for (const path of [join(site, remote), back]) await rm(path, { recursive: true });
    });

    it("goes on with a large file after a cut, up and down", async () => {
      const [local, remote] = [join(folder, "large.bin"), `large-${++count}.bin`];
      const [there, back] = [join(site, remote), join(folder, `back-${count}.bin`)];
      const offset = await cutOff(program.command(job("put", { local, remote })), { folder, arriving: there });
      expect(offset).toBeGreaterThan(0);
      expect(offset).toBeLessThan(largeBytes);
      await run(program.command(job("put-rest", { local, remote, offset })));
      expect(differences(local, there)).toBe("");
      await cutOff(program.command(job("get", { local: back, remote })), { folder, arriving: back });
      expect((await stat(back)).size).toBeLessThan(largeBytes);
      await run(program.command(job("get-rest", { local: back, remote })));
      expect(differences(local, back)).toBe("");
      for (const path of [there, back]) await rm(path);
    });
  },
  withinMs * 4,
);
