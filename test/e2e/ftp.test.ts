// FTP and FTPS through the real program, with the clients that people have: curl, lftp, Python's ftplib, Debian's ftp in active mode.
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createToken, deleteToken, listAudit, updateUser } from "#contract/api/accounts.ts";
import { removeMember, setMember } from "#contract/api/members.ts";
import { createSite, updateSite } from "#contract/api/sites.ts";
import { adminPassword, type Backlot, startBacklot } from "../support/backlot.ts";
import { RawFtp, runClient } from "../support/ftp-clients.ts";
import { titled, whyNoProgram, whyNotPython } from "../support/needs.ts";

const has = (program: string): boolean => spawnSync("which", [program]).status === 0;
const noCurl = whyNoProgram("curl");
let folder: string;
let backlot: Backlot;
let home: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "backlot-ftp-"));
  backlot = await startBacklot({
    environment: { FTP_USER: "ftp", FTP_PASSWORD: "ftp", BACKLOT_FTP_FAILURE_DELAY_MS: "50", BACKLOT_FTP_CONNECTIONS_PER_ADDRESS: "20" },
  });
  home = join(backlot.data, "homedir");
});
afterAll(async () => {
  await backlot?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const curl = (...args: readonly string[]) => runClient(["curl", "-sS", "-m", "60", ...args], { cwd: folder });
const url = (path: string): string => `ftp://${backlot.ftp}/${path}`;

async function signedIn(user: string, password: string): Promise<RawFtp> {
  const ftp = new RawFtp(backlot.ftp);
  await ftp.reply();
  await ftp.ask(`USER ${user}`);
  expect(await ftp.ask(`PASS ${password}`)).toBe("230 Login successful.");
  return ftp;
}

describe("the original's session", () => {
  it.skipIf(!has("tnftp"))(
    titled("`dir` with Debian's ftp, in active mode, shows the home folder, and files go both ways", whyNoProgram("tnftp")),
    async () => {
      const bytes = randomBytes(500_000);
      await writeFile(join(folder, "up.bin"), bytes);
      await writeFile(join(home, "sample_file.txt"), "");
      const [host = "", port = ""] = backlot.ftp.split(":");
      const input = "user ftp ftp\ndir\nput up.bin\nget up.bin down.bin\nquit\n";
      const { output } = await runClient(["tnftp", "-n", "-v", "-A", "-i", host, port], { cwd: folder, input });
      expect(output).toContain("220 Hello! Welcome to the remote-executor app.");
      expect(output).toMatch(/200 (EPRT|PORT) command successful\./);
      expect(output).toMatch(/-rw-r--r-- {3}1 ftp {6}ftp {13}0 .* sample_file\.txt/);
      expect(await readFile(join(home, "up.bin"))).toEqual(bytes);
      expect(await readFile(join(folder, "down.bin"))).toEqual(bytes);
    },
  );
});

describe.skipIf(noCurl !== null)(titled("curl", noCurl), () => {
  const bytes = randomBytes(2_000_000);
  beforeAll(() => writeFile(join(folder, "curl.bin"), bytes));

  it.each([
    ["ftp", []],
    ["ftps (explicit)", ["--ssl-reqd", "-k"]],
  ])("uploads and downloads by %s", async (_, options) => {
    expect(await curl(...options, "-u", "ftp:ftp", "-T", "curl.bin", url("curl.bin"))).toEqual({ code: 0, output: "" });
    expect(await readFile(join(home, "curl.bin"))).toEqual(bytes);
    expect(await curl(...options, "-u", "ftp:ftp", url("curl.bin"), "-o", "curl.out")).toEqual({ code: 0, output: "" });
    expect(await readFile(join(folder, "curl.out"))).toEqual(bytes);
    await writeFile(join(folder, "empty"), "");
    for (const round of ["new", "over what is there"]) {
      expect([round, await curl(...options, "-u", "ftp:ftp", "-T", "empty", url("empty"))]).toEqual([round, { code: 0, output: "" }]);
      expect(await curl(...options, "-u", "ftp:ftp", url("empty"), "-o", "empty.out")).toEqual({ code: 0, output: "" });
    }
    expect((await stat(join(home, "empty"))).size).toBe(0);
  });

  it("resumes what was cut off, down and up", async () => {
    await writeFile(join(folder, "part.out"), bytes.subarray(0, 700_001));
    expect((await curl("-u", "ftp:ftp", "-C", "-", url("curl.bin"), "-o", "part.out")).code).toBe(0);
    expect(await readFile(join(folder, "part.out"))).toEqual(bytes);
    await writeFile(join(folder, "first"), bytes.subarray(0, 700_001));
    expect((await curl("-u", "ftp:ftp", "-T", "first", url("resumed.bin"))).code).toBe(0);
    expect((await curl("-u", "ftp:ftp", "-C", "-", "-T", "curl.bin", url("resumed.bin"))).code).toBe(0);
    expect(await readFile(join(home, "resumed.bin"))).toEqual(bytes);
  });

  it("is let in nowhere with a wrong password, or as anonymous", async () => {
    expect((await curl("-u", "ftp:wrong", url(""))).code).toBe(67);
    expect((await curl(url(""))).code).toBe(67);
  });
});

describe.skipIf(whyNotPython() !== null)(titled("Python's ftplib", whyNotPython()), () => {
  it.each(["FTP", "FTP_TLS"])("%s does all that it can", async (kind) => {
    const [host = "", port = ""] = backlot.ftp.split(":");
    const script = `
import ftplib, io
f = ftplib.${kind}(); f.connect("${host}", ${port}, timeout=20); f.login("ftp", "ftp")
if hasattr(f, "prot_p"): f.prot_p()
print(f.pwd(), f.mkd("d ${kind}"))
f.cwd("d ${kind}")
f.storbinary("STOR ünïcode.txt", io.BytesIO(b"hello"))
f.storbinary("APPE ünïcode.txt", io.BytesIO(b" world"))
f.storbinary("STOR ünïcode.txt", io.BytesIO(b"W"), rest=6)
b = []; f.retrbinary("RETR ünïcode.txt", b.append); print(b"".join(b))
b = []; f.retrbinary("RETR ünïcode.txt", b.append, rest=6); print(b"".join(b))
f.voidcmd("TYPE I"); print(f.size("ünïcode.txt"), f.nlst())
f.sendcmd("MFMT 20200102030405 ünïcode.txt"); print(f.sendcmd("MDTM ünïcode.txt"))
print([(n, x["type"], x["size"], x["modify"], x["perm"]) for n, x in f.mlsd()])
f.sendcmd("SITE CHMOD 755 ünïcode.txt"); l = []; f.retrlines("LIST", l.append); print(l[0][:10])
f.storbinary("STOR old", io.BytesIO(b"old")); f.rename("ünïcode.txt", "old"); print(f.nlst())
f.delete("old"); f.cwd(".."); f.rmd("d ${kind}"); print(f.quit())
`;
    const { output } = await runClient(["python3", "-c", script]);
    expect(output).toBe(
      [
        `/ /d ${kind}`,
        "b'hello World'",
        "b'World'",
        "11 ['ünïcode.txt']",
        "213 20200102030405",
        "[('ünïcode.txt', 'file', '11', '20200102030405', 'radwf')]",
        "-rwxr-xr-x",
        "['old']",
        "221 Goodbye.",
        "",
      ].join("\n"),
    );
  });
});

describe.skipIf(!has("lftp"))(titled("lftp", whyNoProgram("lftp")), () => {
  it("mirrors a tree of 300 files up and down, over TLS, with modes and times", async () => {
    const tree = join(folder, "tree");
    await mkdir(join(tree, "a folder", "deeper"), { recursive: true });
    for (let index = 0; index < 300; index += 1)
      await writeFile(join(tree, index % 2 === 0 ? "a folder" : "a folder/deeper", `file ${index}.txt`), `content ${index}\n`);
    await chmod(join(tree, "a folder", "file 0.txt"), 0o755);
    const settings = "set ssl:verify-certificate no; set ftp:ssl-force true; set ftp:ssl-protect-data true; set net:max-retries 1; set cmd:fail-exit true";
    const commands = `${settings}; mirror -R --parallel=4 tree tree; mirror --parallel=4 tree back; bye`;
    expect(await runClient(["lftp", "-u", "ftp,ftp", "-e", commands, `ftp://${backlot.ftp}`], { cwd: folder, withinMs: 150_000 })).toMatchObject({ code: 0 });
    expect(spawnSync("diff", ["-r", tree, join(folder, "back")], { encoding: "utf8" })).toMatchObject({ status: 0, stdout: "" });
    expect((await stat(join(folder, "back", "a folder", "file 0.txt"))).mode & 0o777).toBe(0o755);
  }, 170_000);
});

describe("people", () => {
  it.skipIf(noCurl !== null)(
    titled("see each of their sites as a folder, or one as all there is; strangers see nothing; viewers change nothing", noCurl),
    async () => {
      const [ada, bob] = [await backlot.addPerson("ada"), await backlot.addPerson("bob")];
      await ada.client.call(createSite, { body: { name: "ada-one", kind: "static" } });
      await ada.client.call(createSite, { body: { name: "ada-two", kind: "static" } });
      await using ftp = await signedIn("ada", "password of ada");
      expect(await ftp.ask("CWD ada-one/public")).toBe('250 "/ada-one/public" is the current directory.');
      expect(await ftp.ask("CWD /home")).toBe("550 No such file or directory.");
      expect(await ftp.ask("MKD /new")).toMatch(/^550/);
      await using one = await signedIn("ada/ada-two", "password of ada");
      expect(await one.ask("CWD public")).toBe('250 "/public" is the current directory.');
      expect(await one.ask("CWD ../../../../etc")).toMatch(/^550/);
      const stranger = await curl("-u", "bob/ada-one:password of bob", url(""));
      expect(stranger.code).toBe(67);
      await ada.client.call(setMember, { params: { name: "ada-one", username: "bob" }, body: { role: "viewer" } });
      await using viewer = await signedIn("bob/ada-one", "password of bob");
      expect(await viewer.ask("MKD x")).toBe("550 Not enough privileges.");
      // And what was a member is out within two seconds.
      const at = Date.now();
      await ada.client.call(removeMember, { params: { name: "ada-one", username: "bob" } });
      expect(await viewer.reply()).toBe("421 Your access has ended.");
      await viewer.closed();
      expect(Date.now() - at).toBeLessThan(2_000);
      expect(bob).toBeDefined();
    },
  );

  it.skipIf(noCurl !== null)(
    titled("are out within two seconds of a new password, of a lost token, and sign in with tokens that may touch files", noCurl),
    async () => {
      const eve = await backlot.addPerson("eve");
      const { secret, id } = await eve.client.call(createToken, { body: { name: "ftp", scopes: ["files"] } });
      const { secret: reading } = await eve.client.call(createToken, { body: { name: "r", scopes: ["read"] } });
      expect((await curl("-u", `eve:${reading}`, url(""))).code).toBe(67);
      await using byToken = await signedIn("eve", secret);
      await using byPassword = await signedIn("eve", "password of eve");
      let at = Date.now();
      await eve.client.call(deleteToken, { params: { id } });
      expect(await byToken.reply()).toBe("421 Your access has ended.");
      expect(Date.now() - at).toBeLessThan(2_000);
      at = Date.now();
      await (await backlot.admin()).client.call(updateUser, { params: { username: "eve" }, body: { password: "another password" } });
      expect(await byPassword.reply()).toBe("421 Your access has ended.");
      expect(Date.now() - at).toBeLessThan(2_000);
    },
  );

  it.skipIf(noCurl !== null)(titled("are out within two seconds when their site is disabled, and in it no more", noCurl), async () => {
    const dan = await backlot.addPerson("dan");
    await dan.client.call(createSite, { body: { name: "dan-one", kind: "static" } });
    await using one = await signedIn("dan/dan-one", "password of dan");
    await using all = await signedIn("dan", "password of dan");
    expect(await all.ask("CWD /dan-one/public")).toMatch(/^250/);
    const at = Date.now();
    const body = { availability: "disabled" as const, reason: "a test" };
    await (await backlot.admin()).client.call(updateSite, { params: { name: "dan-one" }, body });
    for (const ftp of [one, all]) {
      expect(await ftp.reply()).toBe("421 Your access has ended.");
      await ftp.closed();
    }
    expect(Date.now() - at).toBeLessThan(2_000);
    expect((await curl("-u", "dan/dan-one:password of dan", url(""))).code).toBe(67);
  });

  it("who administer also see the home folder; sign-ins are in the audit trail with address and door", async () => {
    await using ftp = await signedIn("admin", adminPassword);
    await using _home = await signedIn("ftp", "ftp");
    expect(await ftp.ask("CWD /home")).toBe('250 "/home" is the current directory.');
    const { entries } = await (await backlot.admin()).client.call(listAudit, {});
    expect(entries).toContainEqual(expect.objectContaining({ actor: "admin", door: "ftp", action: "session.create", address: "127.0.0.1" }));
    expect(entries).toContainEqual(expect.objectContaining({ actor: "ftp", door: "ftp", action: "session.create" }));
  });
});

describe("uploads", () => {
  it("replace a file whole: when the client goes away in the middle the old one stays; a new file's part stays visible", async () => {
    await writeFile(join(home, "kept.txt"), "the old one");
    for (const name of ["kept.txt", "fresh.txt"]) {
      await using ftp = await signedIn("ftp", "ftp");
      await ftp.ask("TYPE I");
      const [, port = ""] = /\|\|\|(\d+)\|/.exec(await ftp.ask("EPSV")) ?? [];
      await using data = new RawFtp(`127.0.0.1:${port}`);
      data.socket.write("the new one, only");
      expect(await ftp.ask(`STOR ${name}`)).toMatch(/^1[25][05]/);
      let status = "";
      while (!status.includes("STOR: 17 bytes so far")) status = await ftp.ask("STAT");
      ftp.socket.destroy();
      await data.closed();
    }
    await expect.poll(() => readFile(join(home, "fresh.txt"), "utf8"), { timeout: 5_000 }).toBe("the new one, only");
    expect(await readFile(join(home, "kept.txt"), "utf8")).toBe("the old one");
  });
});
