// SSH through the real program, with the clients that people have.
import { once } from "node:events";
import { mkdtemp, readFile, realpath, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ClientChannel } from "ssh2";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createToken, listAudit, updateUser } from "#contract/api/accounts.ts";
import { createKey, deleteKey, listKeys, readSshDoor } from "#contract/api/keys.ts";
import { removeMember, setMember } from "#contract/api/members.ts";
import { siteFolder } from "#contract/site.ts";
import { type Backlot, startBacklot } from "../support/backlot.ts";
import type { Person } from "../support/backlot-person.ts";
import { titled, whyNoProgram, whyNoSandbox } from "../support/needs.ts";
import { has, outcome, SshClients } from "../support/ssh-clients.ts";

let folder: string;
let backlot: Backlot;
let clients: SshClients;
let ada: Person;
let siteId: number;
let key: string;

describe.skipIf(!has("ssh"))(titled("SSH", whyNoProgram("ssh")), () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "backlot-ssh-"));
    backlot = await startBacklot({ environment: { BACKLOT_SSH_FAILURE_DELAY_MS: "50", BACKLOT_UNISOLATED_FOR_ALL: "true" } });
    clients = new SshClients(folder, backlot);
    ada = await backlot.addPerson("ada");
    siteId = (await ada.createSite("clock", "static")).id;
    await ada.createSite("second", "static");
    key = (await clients.addKey(ada)).file;
  });
  afterAll(async () => {
    await backlot?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  describe("signing in", () => {
    it.each([["-t ed25519"], ["-t ecdsa -b 256"], ["-t ecdsa -b 384"], ["-t ecdsa -b 521"], ["-t rsa -b 2048"]])(
      "works with a key made by ssh-keygen %s",
      async (type) => {
        const { file } = await clients.addKey(ada, type.split(" "));
        expect(await clients.ssh("ada/clock", file, ["echo hello"])).toMatchObject({ code: 0, stdout: Buffer.from("hello\n") });
      },
    );

    it("works with the password, and with API tokens as far as their scopes go", async () => {
      expect((await clients.withPassword("ada/clock", "password of ada", ["echo hello"])).stdout.toString()).toBe("hello\n");
      expect((await clients.withPassword("ada/clock", "wrong", ["echo hello"])).stderr).toContain("Permission denied");
      const tokenFor = async (scope: "files" | "shell" | "deploy"): Promise<string> =>
        (await ada.client.call(createToken, { body: { name: scope, scopes: [scope] } })).secret;
      expect((await clients.withPassword("ada/clock", await tokenFor("shell"), ["echo hello"])).stdout.toString()).toBe("hello\n");
      const filesOnly = await clients.withPassword("ada/clock", await tokenFor("files"), ["echo hello"]);
      expect([filesOnly.code, filesOnly.stderr]).toEqual([1, expect.stringContaining("This API token is for files only")]);
      expect((await clients.withPassword("ada/clock", await tokenFor("deploy"), ["true"])).stderr).toContain("This API token may not do that");
    });

    it("works with a key that comes after a dozen others, as an agent offers them", async () => {
      const strange = Array.from({ length: 12 }, (_, number) => join(folder, `strange-${number}`));
      for (const file of strange) await clients.run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", file]);
      const before = strange.flatMap((file) => ["-i", file]);
      // What comes first is offered first.
      const args = [...clients.options(null).filter((option) => !option.includes("Pubkey")), "-oIdentitiesOnly=yes", ...before, "-i", key];
      const ran = await clients.run("ssh", [...args, "-p", clients.port, `ada/clock@${clients.host}`, "echo hello"]);
      expect([ran.code, ran.stdout.toString(), ran.stderr]).toEqual([0, "hello\n", ""]);
    });

    it("with a key of somebody else is refused, whether or not there is such a person", async () => {
      await backlot.addPerson("bob");
      for (const name of ["bob", "nobody", "bob/clock"]) expect((await clients.ssh(name, key, ["true"])).stderr).toContain("Permission denied (publickey");
    });

    it("shows a host key whose fingerprint stands in the dashboard", async () => {
      const { ssh } = await ada.client.call(readSshDoor, {});
      expect(ssh).toMatchObject({ port: Number(clients.port), keys: [{ algorithm: "ssh-ed25519" }, { algorithm: "ecdsa-sha2-nistp256" }] });
      for (const each of ssh?.keys ?? []) {
        const scanned = await clients.run("ssh-keyscan", ["-p", clients.port, "-t", each.algorithm === "ssh-ed25519" ? "ed25519" : "ecdsa", clients.host]);
        const shown = await clients.run("ssh-keygen", ["-lf", "-"], { input: scanned.stdout });
        expect(shown.stdout.toString()).toContain(each.fingerprint);
      }
      expect((await stat(join(backlot.data, "ssh", "host_ed25519"))).mode & 0o777).toBe(0o600);
    });

    it("is noted with address and door, failures too", async () => {
      const admin = await backlot.admin();
      const { entries } = await admin.client.call(listAudit, {});
      expect(entries).toContainEqual(expect.objectContaining({ action: "session.create", door: "ssh", actor: "ada", address: "127.0.0.1" }));
      expect(entries).toContainEqual(expect.objectContaining({ action: "session.failed", door: "ssh", actor: "nobody", address: "127.0.0.1" }));
    });

    it("to a site that is not there, or not theirs, is told so", async () => {
      const gone = await clients.ssh("ada/nosuch", key, ["true"]);
      expect([gone.code, gone.stderr]).toEqual([1, expect.stringContaining("There is no site with this name that you can see.")]);
      expect((await clients.sftp("ada/nosuch", key, ["ls"])).stderr).toContain("There is no site with this name that you can see.");
    });
  });

  describe("a command", () => {
    it("runs in the site, with its own exit status, output and errors", async () => {
      const ran = await clients.ssh("ada/clock", key, ["echo out; echo err >&2; pwd; exit 42"]);
      // Where there are no sandboxes the tests allow programs without, and the site's folder is where it is.
      const folder = whyNoSandbox() === null ? "/site" : await realpath(join(backlot.data, "sites", siteFolder(siteId)));
      expect([ran.code, ran.stdout.toString(), ran.stderr]).toEqual([42, `out\n${folder}\n`, "err\n"]);
    });

    it("reads what is piped into it to its end, byte for byte", async () => {
      const bytes = Buffer.from(Array.from({ length: 3_000_000 }, (_, at) => (at * 7919) % 256));
      const ran = await clients.ssh("ada+clock", key, ["cat"], { input: bytes });
      expect(ran.code).toBe(0);
      expect(ran.stdout.equals(bytes)).toBe(true);
    });

    it("that a signal ended says so, and one can be sent to it", async () => {
      const client = await clients.connect("ada/clock", key);
      const started = Promise.withResolvers<ClientChannel>();
      client.exec("echo ready; exec sleep 100", (error, channel) => (error ? started.reject(error) : started.resolve(channel)));
      const channel = await started.promise;
      await once(channel, "data");
      const ended = once(channel, "exit");
      channel.signal("TERM");
      expect((await ended).slice(0, 2)).toEqual([null, "SIGTERM"]);
      client.end();
    });

    it("gets LANG, LC_* and TERM of what the client sends, and nothing else", async () => {
      const before = ["-oSetEnv=LC_TEST=from-afar LD_PRELOAD=/x BACKLOT_X=y"];
      const ran = await clients.ssh("ada/clock", key, ["env"], { before });
      expect(ran.stdout.toString()).toContain("LC_TEST=from-afar\n");
      expect(ran.stdout.toString()).not.toMatch(/LD_PRELOAD|BACKLOT_X/);
    });

    it("without a site is told which there are", async () => {
      const ran = await clients.ssh("ada", key, ["true"]);
      expect([ran.code, ran.stdout.toString()]).toEqual([1, ""]);
      expect(ran.stderr).toContain("connect as ada/SITE, for example ada/clock");
    });
  });

  describe("a shell", () => {
    const shellAt = async (user: string, size = { cols: 91, rows: 33 }) => {
      const client = await clients.connect(user, key);
      const opened = Promise.withResolvers<ClientChannel>();
      client.shell({ term: "xterm", ...size }, (error, channel) => (error ? opened.reject(error) : opened.resolve(channel)));
      const channel = await opened.promise;
      let text = "";
      const waiting = new Set<() => void>();
      channel.on("data", (chunk: Buffer) => {
        text += chunk.toString();
        for (const wake of waiting) wake();
      });
      const until = async (words: string | RegExp): Promise<string> => {
        const isThere = (): boolean => (typeof words === "string" ? text.includes(words) : words.test(text));
        const { promise, resolve, reject } = Promise.withResolvers<void>();
        const timer = setTimeout(() => reject(new Error(`no ${words} in ${JSON.stringify(text)}`)), 30_000);
        const look = (): void => void (isThere() && resolve());
        waiting.add(look);
        look();
        await promise.finally(() => clearTimeout(timer));
        waiting.delete(look);
        return text;
      };
      return { client, channel, until };
    };

    it("has a terminal of the client's size, which follows it", async () => {
      const { client, channel, until } = await shellAt("ada/clock");
      await until("Backlot: the site clock.");
      channel.write("stty size; echo $TERM\n");
      await until(/33 91\r\nxterm/);
      channel.setWindow(40, 120, 0, 0);
      channel.write("stty size\n");
      await until(/40 120\r\n/);
      const ended = once(channel, "exit");
      channel.write("exit 7\n");
      expect((await ended)[0]).toBe(7);
      client.end();
    });

    it("without a site begins with a menu, from which arrow keys or a number choose", async () => {
      const byArrow = await shellAt("ada");
      await byArrow.until("Your sites:");
      byArrow.channel.write("\u001b[B\r");
      await byArrow.until("Backlot: the site second.");
      byArrow.client.end();
      const byNumber = await shellAt("ada");
      await byNumber.until("2  second");
      byNumber.channel.write("1\r");
      await byNumber.until("Backlot: the site clock.");
      byNumber.client.end();
    });

    it("without a terminal lists the sites and says how to go on", async () => {
      const ran = await clients.ssh("ada", key, []);
      expect([ran.code, ran.stdout.toString()]).toEqual([0, expect.stringContaining("Your sites:\n  clock\n  second\n")]);
    });
  });

  describe("what is not offered", () => {
    it("forwards nothing: no port in either direction, no socket, no agent, no X11", async () => {
      const client = await clients.connect("ada/clock", key);
      const refused = (open: (done: (error?: Error | null) => void) => void): Promise<string> =>
        new Promise((resolve) => open((error) => resolve(error?.message ?? "allowed")));
      expect(await refused((done) => client.forwardOut("127.0.0.1", 1, "127.0.0.1", 22, done))).toContain("Channel open failure");
      expect(await refused((done) => client.forwardIn("127.0.0.1", 0, done))).toContain("Unable to bind");
      expect(await refused((done) => client.openssh_forwardInStreamLocal("/tmp/x.sock", done))).toContain("Unable to bind");
      expect(await refused((done) => client.openssh_forwardOutStreamLocal("/var/run/docker.sock", done))).toContain("Channel open failure");
      expect(await refused((done) => client.exec("true", { x11: true }, done))).toContain("X11");
      expect(await refused((done) => client.subsys("netconf", done))).not.toBe("allowed");
      client.end();
    });

    it("speaks neither SHA-1 nor group exchange", async () => {
      for (const option of [
        "-oMACs=hmac-sha1",
        "-oKexAlgorithms=diffie-hellman-group-exchange-sha256",
        "-oKexAlgorithms=diffie-hellman-group14-sha1",
        "-oCiphers=aes128-cbc",
      ])
        expect((await clients.ssh("ada/clock", key, ["true"], { before: option.includes("MACs") ? [option, "-oCiphers=aes128-ctr"] : [option] })).code).toBe(
          255,
        );
    });
  });

  describe("access that is lost", () => {
    const lost = async (child: ReturnType<SshClients["start"]>, act: () => Promise<unknown>): Promise<number> => {
      const ended = outcome(child);
      await once(child.stdout ?? child, "data");
      const before = performance.now();
      await act();
      await ended;
      return performance.now() - before;
    };

    it("ends sessions within two seconds: a key, a member, a password, an account", async () => {
      const eve = await backlot.addPerson("eve");
      const admin = await backlot.admin();
      const own = await clients.addKey(eve);
      const other = await clients.addKey(eve);
      await ada.client.call(setMember, { params: { name: "clock", username: "eve" }, body: { role: "editor" } });
      const stays = clients.start("eve/clock", other.file, ["echo ready; sleep 100"]);
      const start = (file = own.file) => clients.start("eve/clock", file, ["echo ready; sleep 100"]);
      expect(await lost(start(), () => eve.client.call(deleteKey, { params: { id: own.id } }))).toBeLessThan(2_000);
      // What another key of hers opened goes on.
      expect(stays.exitCode).toBeNull();
      expect(await lost(stays, () => ada.client.call(removeMember, { params: { name: "clock", username: "eve" } }))).toBeLessThan(2_000);
      await ada.client.call(setMember, { params: { name: "clock", username: "eve" }, body: { role: "editor" } });
      expect(
        await lost(start(other.file), () => admin.client.call(updateUser, { params: { username: "eve" }, body: { password: "another password" } })),
      ).toBeLessThan(2_000);
      expect(await lost(start(other.file), () => admin.client.call(updateUser, { params: { username: "eve" }, body: { isActive: false } }))).toBeLessThan(
        2_000,
      );
    });
  });

  describe("keys", () => {
    it("are listed with fingerprint, comment and last use, and refused in words", async () => {
      const { keys } = await ada.client.call(listKeys, {});
      expect(keys[0]).toMatchObject({ title: "ada@laptop", algorithm: "ssh-ed25519", bits: 256, lastUsedAt: expect.any(String) });
      const text = await readFile(`${key}.pub`, "utf8");
      await expect(ada.client.call(createKey, { body: { key: text } })).rejects.toMatchObject({ code: "key_taken" });
      await expect(ada.client.call(createKey, { body: { key: await readFile(key, "utf8") } })).rejects.toMatchObject({ code: "key_private" });
      await expect(ada.client.call(deleteKey, { params: { id: "no" } })).rejects.toMatchObject({ code: "key_not_found" });
    });

    it("of other people stay theirs", async () => {
      const zoe = await backlot.addPerson("zoe");
      const [first] = (await ada.client.call(listKeys, {})).keys;
      await expect(zoe.client.call(deleteKey, { params: { id: first?.id ?? "" } })).rejects.toMatchObject({ code: "key_not_found" });
      expect((await zoe.client.call(listKeys, {})).keys).toEqual([]);
    });
  });
});
