// A person's SSH keys on the page of their account, and OpenSSH with what stands there.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startBacklot } from "../support/backlot.ts";
import { Browser } from "../support/backlot-browser.ts";
import { firstMissing, titled, whyNoBrowser, whyNoProgram } from "../support/needs.ts";
import { SshClients } from "../support/ssh-clients.ts";

const missing = firstMissing(whyNoBrowser(), whyNoProgram("ssh"));

test.skipIf(missing !== null)(
  titled("a person compares the host's fingerprint, adds a key, signs in with it, sees its use, and removes it", missing),
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "backlot-keys-"));
    try {
      await using backlot = await startBacklot({ environment: { BACKLOT_SSH_FAILURE_DELAY_MS: "50", BACKLOT_UNISOLATED_FOR_ALL: "true" } });
      const clients = new SshClients(folder, backlot);
      const ada = await backlot.addPerson("ada");
      await ada.createSite("clock", "static");
      const key = join(folder, "key");
      expect((await clients.run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "ada@laptop", "-f", key])).code).toBe(0);
      const fingerprintOf = async (line: string | Buffer): Promise<string> =>
        (await clients.run("ssh-keygen", ["-lf", "-"], { input: line })).stdout.toString().split(" ")[1] ?? "";

      await using browser = await Browser.open();
      await browser.go(`${backlot.manager.replace("127.0.0.1", "localhost")}/account`);
      await browser.fill("User name", "ada");
      await browser.fill("Password", "password of ada");
      await browser.click("Sign in");
      await browser.sees("No keys yet.");
      for (const type of ["ed25519", "ecdsa"]) {
        const { stdout } = await clients.run("ssh-keyscan", ["-p", clients.port, "-t", type, clients.host]);
        await browser.sees(await fingerprintOf(stdout));
      }

      await browser.click("New key");
      await browser.fill("Public key", await readFile(`${key}.pub`, "utf8"));
      await browser.click("Add key");
      await browser.sees("The key ada@laptop was added.");
      await browser.sees(await fingerprintOf(await readFile(`${key}.pub`)));
      await browser.sees("Never used");
      expect(await clients.ssh("ada/clock", key, ["echo hello"])).toMatchObject({ code: 0, stdout: Buffer.from("hello\n") });
      await browser.reload();
      await browser.sees("Used ");

      await browser.click("Remove…");
      await browser.click("Remove key");
      await browser.sees("No keys yet.");
      expect((await clients.ssh("ada/clock", key, ["echo hello"])).stderr).toContain("Permission denied");
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
  300_000,
);
