// A program in a site keeps exchanging a folder for a link that leads out of it, while people write and read there through every door.
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { siteFolder } from "#contract/site.ts";
import { startBacklot } from "../support/backlot.ts";
import { plantPipes, swapFolders } from "../support/folder-swapper.ts";
import { runClient } from "../support/ftp-clients.ts";
import { titled, whyNoProgram, whyNoSandbox } from "../support/needs.ts";
import { SshClients } from "../support/ssh-clients.ts";

const missing = whyNoProgram("sftp", "curl", "python3");

const rounds = 12;
const secret = "nobody in a site may read this";

it.skipIf(missing !== null)(
  titled(
    "nothing is written or read outside of a site through any door while a folder is exchanged for a link, and nobody waits at a pipe in a file's place",
    missing,
  ),
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "backlot-swapped-"));
    await using backlot = await startBacklot();
    const ada = await backlot.addPerson("ada");
    const { id } = await ada.createSite("clock", "static");
    const root = join(backlot.data, "sites", siteFolder(id));
    const outside = join(folder, "outside");
    await mkdir(outside, { mode: 0o777 });
    await writeFile(join(outside, "secret.txt"), secret, { mode: 0o666 });
    await mkdir(join(root, "public/dir"));
    await symlink(outside, join(root, "public/dir.link"));
    const clients = new SshClients(folder, backlot);
    const key = (await clients.addKey(ada)).file;
    await writeFile(join(folder, "given"), "what a person gives");
    const attackers = await Promise.all([swapFolders(root, ["public/dir"]), plantPipes(root, ["public/piped"])]);
    const seen: string[] = [];
    const numbers = Array.from({ length: rounds }, (_, number) => number);
    // Each try may find the link and be refused; what counts is that nothing leaves.
    const byApi = async (): Promise<void> => {
      for (const number of numbers) {
        await ada.put("clock", `public/dir/api-${number}`, "what a person gives").catch(() => undefined);
        seen.push(String(await ada.get("clock", "public/dir/secret.txt").catch(() => "")));
        // Whoever waited at the pipe would keep the others from ever coming to an end.
        await ada.get("clock", "public/piped").catch(() => undefined);
        await ada.put("clock", "public/piped", "mine").catch(() => undefined);
      }
    };
    const bySftp = async (): Promise<void> => {
      const lines = numbers.flatMap((number) => [
        `-put given public/dir/sftp-${number}`,
        `-get public/dir/secret.txt stolen-by-sftp-${number}`,
        "-get public/piped",
        "-put given public/piped",
      ]);
      await clients.sftp("ada/clock", key, lines);
    };
    const byFtp = async (): Promise<void> => {
      const address = `ftp://${backlot.ftp}/clock/public/dir`;
      const who = ["--silent", "--user", "ada:password of ada"];
      // Each try asks for the folder several times, so that most find it gone in between: on until one has come through.
      let hasArrived = false;
      for (let number = 0; number < rounds || (!hasArrived && number < 200); number += 1) {
        const { code } = await runClient(["curl", ...who, "--ftp-method", "nocwd", "-T", join(folder, "given"), `${address}/ftp-${number}`]);
        hasArrived ||= code === 0;
        seen.push((await runClient(["curl", ...who, `${address}/secret.txt`])).output);
        if (number < 3) await runClient(["curl", ...who, "--max-time", "60", `ftp://${backlot.ftp}/clock/public/piped`]);
      }
    };
    const byShell = async (): Promise<void> => {
      // In the sandbox the link leads nowhere.
      for (const number of numbers.slice(0, 3)) {
        seen.push((await clients.ssh("ada/clock", key, [`cat public/dir/secret.txt; echo x > public/dir/shell-${number}`])).stdout.toString());
      }
    };
    // A program without a sandbox follows links like any other; that no tenant gets one is asked in other tests.
    await Promise.all([byApi(), bySftp(), byFtp(), ...(whyNoSandbox() === null ? [byShell()] : [])]);
    for (const attacker of attackers) attacker.kill("SIGKILL");
    for (const name of await readdir(folder)) if (name.startsWith("stolen")) seen.push(await readFile(join(folder, name), "utf8"));
    expect(seen.filter((text) => text.includes(secret))).toEqual([]);
    expect(await readdir(outside)).toEqual(["secret.txt"]);
    expect(await readFile(join(outside, "secret.txt"), "utf8")).toBe(secret);
    // Every door did write while the folder was a folder.
    const arrived = [...(await readdir(join(root, "public/dir")).catch(() => [])), ...(await readdir(join(root, "public/dir.link")).catch(() => []))];
    for (const door of ["api", "sftp", "ftp"])
      expect(
        arrived.filter((name) => name.startsWith(`${door}-`)),
        door,
      ).not.toEqual([]);
    await rm(folder, { recursive: true, force: true });
  },
  300_000,
);
