// Trees and large files through every client of SSH, byte for byte, and on after a cut; how large they are: test/support/transfers.ts.
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Backlot, startBacklot } from "../support/backlot.ts";
import { runClient } from "../support/ftp-clients.ts";
import { SshClients } from "../support/ssh-clients.ts";
import { type SshAction, type SshProgram, sshPrograms } from "../support/ssh-programs.ts";
import { type ClientCommand, cutOff, differences, makeTree, roomySite, transferSizes, writeRandom } from "../support/transfers.ts";

const { files, largeBytes, withinMs } = transferSizes;

let folder: string;
let backlot: Backlot;
let clients: SshClients;
let key: string;
/** The site's folder on the disk. */
let site: string;
let count = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "backlot-ssh-transfers-"));
  backlot = await startBacklot();
  clients = new SshClients(folder, backlot);
  const ada = await backlot.addPerson("ada");
  site = await roomySite(backlot, ada, "files");
  key = (await clients.addKey(ada)).file;
  await makeTree(join(folder, "tree"), files);
  await writeRandom(join(folder, "large.bin"), largeBytes);
}, 300_000);
afterAll(async () => {
  await backlot?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function run({ argv, input }: ClientCommand): Promise<void> {
  const { code, output } = await runClient(argv, { cwd: folder, withinMs, ...(input === undefined ? {} : { input }) });
  expect([argv[0], code, code === 0 ? "" : output]).toEqual([argv[0], 0, ""]);
}

describe.each(sshPrograms.filter(({ isThere }) => isThere))(
  "$name",
  (program: SshProgram) => {
    const command = (action: SshAction, given: { readonly local: string; readonly remote: string; readonly like?: string }): ClientCommand =>
      program.command({ clients, user: "ada+files", key, action, ...given });

    it("takes a tree up and down", async () => {
      const [like, remote, back] = [join(folder, "tree"), `tree-${++count}`, join(folder, `back-${count}`)];
      await run(command("put-tree", { local: like, remote }));
      expect(differences(like, join(site, remote))).toBe("");
      await run(command("get-tree", { local: back, remote, like }));
      expect(differences(like, back)).toBe("");
      for (const path of [join(site, remote), back]) await rm(path, { recursive: true });
    });

    it(program.resumes ? "goes on with a large file after a cut, up and down" : "takes a large file up and down after a cut, from its beginning", async () => {
      const [local, remote] = [join(folder, "large.bin"), `large-${++count}.bin`];
      const [there, back] = [join(site, remote), join(folder, `back-${count}.bin`)];
      const [put, get] = program.resumes ? (["put-rest", "get-rest"] as const) : (["put", "get"] as const);
      const at = { folder, signal: program.cutBy };
      expect(await cutOff(command("put", { local, remote }), { ...at, arriving: there })).toBeGreaterThan(0);
      expect((await stat(there)).size).toBeLessThan(largeBytes);
      await run(command(put, { local, remote }));
      expect(differences(local, there)).toBe("");
      await cutOff(command("get", { local: back, remote }), { ...at, arriving: back });
      expect((await stat(back)).size).toBeLessThan(largeBytes);
      await run(command(get, { local: back, remote }));
      expect(differences(local, back)).toBe("");
      for (const path of [there, back]) await rm(path);
    });
  },
  withinMs * 4,
);
