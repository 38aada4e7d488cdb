// SFTP, scp and rsync through the real program, with the clients that people have.
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type ssh2 from "ssh2";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listAudit } from "#contract/api/accounts.ts";
import { setMember } from "#contract/api/members.ts";
import { listSiteAudit, updateSite } from "#contract/api/sites.ts";
import type { AuditView } from "#contract/api/views.ts";
import { type Backlot, startBacklot } from "../support/backlot.ts";
import type { Person } from "../support/backlot-person.ts";
import { titled, whyNoProgram } from "../support/needs.ts";
import { has, SshClients } from "../support/ssh-clients.ts";

let folder: string;
let backlot: Backlot;
let clients: SshClients;
let ada: Person;
let key: string;
const here = (...parts: string[]): string => join(folder, ...parts);

describe.skipIf(!has("sftp"))(titled("SFTP", whyNoProgram("sftp")), () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "backlot-sftp-"));
    backlot = await startBacklot();
    clients = new SshClients(folder, backlot);
    ada = await backlot.addPerson("ada");
    await ada.createSite("clock", "static");
    await ada.createSite("second", "static");
    key = (await clients.addKey(ada)).file;
  });
  afterAll(async () => {
    await backlot?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  it("shows each site as a folder, and one alone as root; administrators the home folder, too", async () => {
    expect(namesIn(await clients.sftp("ada", key, ["ls -1"]))).toEqual(["clock", "second"]);
    expect(namesIn(await clients.sftp("ada/clock", key, ["ls -1"]))).toContain("public");
    const admin = await clients.addKey(await backlot.admin());
    await writeFile(here("script.py"), "print(1)\n");
    expect((await clients.sftp("admin", admin.file, ["put script.py home/script.py"])).code).toBe(0);
    expect(await readFile(join(backlot.data, "homedir", "script.py"), "utf8")).toBe("print(1)\n");
    expect((await clients.sftp("ada/home", key, ["ls"])).stderr).toContain("There is no site with this name");
  });

  it("resumes both ways after a cut", async () => {
    const bytes = randomBytes(3_000_000);
    await writeFile(here("whole"), bytes);
    await writeFile(here("half"), bytes.subarray(0, 1_234_567));
    expect((await clients.sftp("ada/clock", key, ["put half file", "!cp whole half", "reput half file"])).code).toBe(0);
    expect((await ada.get("clock", "file")).equals(bytes)).toBe(true);
    await writeFile(here("down"), bytes.subarray(0, 777_777));
    expect((await clients.sftp("ada/clock", key, ["reget file down"])).code).toBe(0);
    expect((await readFile(here("down"))).equals(bytes)).toBe(true);
  });

  it("keeps what arrived of a new file when it is cut off, and the old file whole when one is replaced", async () => {
    await ada.put("clock", "old", "the old one");
    const client = await clients.connect("ada/clock", key);
    const sftp = await new Promise<ssh2.SFTPWrapper>((resolve, reject) => client.sftp((error, made) => (error ? reject(error) : resolve(made))));
    const piece = randomBytes(200_000);
    const opened = (name: string, flags: ssh2.OpenMode): Promise<Buffer> =>
      new Promise((resolve, reject) => sftp.open(name, flags, (error, handle) => (error ? reject(error) : resolve(handle))));
    const write = (handle: Buffer): Promise<void> =>
      new Promise((resolve, reject) => sftp.write(handle, piece, 0, piece.length, 0, (error) => (error ? reject(error) : resolve())));
    await write(await opened("new", "w"));
    await write(await opened("old", "w"));
    client.end();
    await expect.poll(async () => (await ada.get("clock", "new").catch(() => Buffer.alloc(0))).length).toBe(piece.length);
    expect((await ada.get("clock", "old")).toString()).toBe("the old one");
  });

  it("puts pieces together that come in any order, over each other and with holes", async () => {
    const client = await clients.connect("ada/clock", key);
    const sftp = await new Promise<ssh2.SFTPWrapper>((resolve, reject) => client.sftp((error, made) => (error ? reject(error) : resolve(made))));
    const expected = Buffer.alloc(700_000);
    const handle = await new Promise<Buffer>((resolve, reject) => sftp.open("mixed", "w", (error, made) => (error ? reject(error) : resolve(made))));
    const writes: Promise<void>[] = [];
    for (let count = 0; count < 200; count += 1) {
      const offset = Math.floor(pseudo(count) * 650_000);
      const piece = Buffer.alloc(Math.floor(pseudo(count + 1000) * 40_000), count);
      piece.copy(expected, offset);
      writes.push(new Promise((resolve, reject) => sftp.write(handle, piece, 0, piece.length, offset, (error) => (error ? reject(error) : resolve()))));
    }
    await Promise.all(writes);
    const tail = Buffer.from("the end");
    await new Promise<void>((resolve, reject) => sftp.write(handle, tail, 0, tail.length, 699_993, (error) => (error ? reject(error) : resolve())));
    tail.copy(expected, 699_993);
    await new Promise<void>((resolve, reject) => sftp.close(handle, (error) => (error ? reject(error) : resolve())));
    client.end();
    expect((await ada.get("clock", "mixed")).equals(expected)).toBe(true);
  });

  it("keeps times and the executable bit, makes folders and links, moves and deletes", async () => {
    await writeFile(here("run.sh"), "#!/bin/sh\n", { mode: 0o755 });
    await utimes(here("run.sh"), 1_600_000_000, 1_600_000_000);
    const done = await clients.sftp("ada/second", key, [
      "mkdir dir",
      "put -p run.sh dir/run.sh",
      "ln -s run.sh dir/link",
      "ls -l dir",
      "chmod 644 dir/run.sh",
      "rename dir/run.sh dir/moved",
      "ls -l dir",
      "rm dir/moved",
      "rm dir/link",
      "rmdir dir",
    ]);
    expect(done.stderr).toBe("");
    expect(done.stdout.toString()).toMatch(/-rwxr-xr-x +1 ada +ada +10 Sep 13 {2}2020 run\.sh|-rwxr-xr-x.* 10 Sep 13 {2}2020 .*run\.sh/);
    expect(done.stdout.toString()).toMatch(/-rw-r--r--.* 10 Sep 13 {2}2020 .*moved/);
    expect(done.stdout.toString()).toMatch(/lrwxrwxrwx.*link/);
    await ada.put("second", "full/file", "x");
    const refused = await clients.sftp("ada/second", key, [
      "-mkdir public",
      "ln -s /etc/passwd inner",
      "-ln -s ../../x evil",
      "-rmdir nosuch",
      "-rmdir full",
      "-chown 0 public",
      "ls -1",
    ]);
    expect(refused.stderr.match(/Failure|No such file|Permission denied/g), refused.stderr).toEqual([
      "Failure",
      "Permission denied",
      "No such file",
      "Failure",
      "Permission denied",
    ]);
    expect(namesIn(refused)).not.toContain("evil");
    // The session's root is the site's folder: that link leads to a file of the site that is not there.
    expect((await clients.ssh("ada/second", key, ["readlink inner"])).stdout.toString()).toBe("/site/etc/passwd\n");
  });

  it("has what was written over, moved and deleted in the audit trail, with door and address", async () => {
    await ada.put("second", "noted", "the old one");
    await writeFile(here("newer"), "the newer one");
    const admin = await backlot.admin();
    const adminKey = (await clients.addKey(admin)).file;
    const done = [
      await clients.sftp("ada/second", key, ["put newer noted", "rename noted renamed", "rm renamed"]),
      await clients.sftp("admin", adminKey, ["put newer home/noted-at-home", "rm home/noted-at-home"]),
    ];
    expect(done.map(({ code, stderr }) => [code, stderr])).toEqual([
      [0, ""],
      [0, ""],
    ]);
    const bySftp = (entries: readonly AuditView[]): string[] =>
      entries
        .filter(({ door, address }) => door === "sftp" && address === "127.0.0.1")
        .flatMap(({ actor, action, details: { path, paths } }) => (Array.isArray(paths) ? paths : [path]).map((each) => `${actor} ${action} ${each}`));
    const params = { name: "second" };
    await expect
      .poll(async () => bySftp((await ada.client.call(listSiteAudit, { params })).entries), { timeout: 30_000 })
      .toEqual(expect.arrayContaining(["ada files.overwrite noted", "ada files.move noted → renamed", "ada files.delete renamed"]));
    await expect.poll(async () => bySftp((await admin.client.call(listAudit, {})).entries), { timeout: 30_000 }).toContain("admin files.delete noted-at-home");
  });

  it("refuses a file in a folder that is not there when it is opened, not when all of it was sent", async () => {
    const client = await clients.connect("ada/clock", key);
    const sftp = await new Promise<ssh2.SFTPWrapper>((resolve, reject) => client.sftp((error, made) => (error ? reject(error) : resolve(made))));
    const open = (path: string): Promise<unknown> =>
      new Promise((resolve) => sftp.open(path, "w", (error, handle) => resolve(error === undefined ? handle : (error as { code?: number }).code)));
    expect(await open("nosuch/file")).toBe(2);
    expect(Buffer.isBuffer(await open("public/file"))).toBe(true);
    expect(await open("nosuch/deeper/file")).toBe(2);
    client.end();
  });

  it("lets viewers read and nothing else", async () => {
    const eve = await backlot.addPerson("eve");
    const own = await clients.addKey(eve);
    await ada.put("clock", "public/page.html", "hello");
    await ada.client.call(setMember, { params: { name: "clock", username: "eve" }, body: { role: "viewer" } });
    const done = await clients.sftp("eve/clock", own.file, ["get public/page.html seen", "-put seen public/page.html", "-rm public/page.html", "-mkdir x"]);
    expect(done.stderr.match(/Permission denied/g)).toHaveLength(3);
    expect(await readFile(here("seen"), "utf8")).toBe("hello");
    expect((await clients.ssh("eve/clock", own.file, ["true"])).stderr).toContain("You may read clock, but run nothing in it.");
  });

  it("tells what does not fit", async () => {
    await backlot
      .admin()
      .then((admin) => admin.client.call(updateSite, { params: { name: "second" }, body: { limits: { fileBytes: 1_000_000 }, reason: "test" } }));
    await writeFile(here("large"), randomBytes(1_500_000));
    await ada.put("second", "large", "the old one");
    const done = await clients.sftp("ada/second", key, ["put large large"]);
    expect([done.code, done.stderr]).toEqual([1, expect.stringContaining("remote: Failure")]);
    expect((await ada.get("second", "large")).toString()).toBe("the old one");
  });

  describe("scp", () => {
    it.each([
      ["over SFTP", []],
      ["as of old", ["-O"]],
    ])("copies both ways %s, over what is there too", async (_how, mode) => {
      const bytes = randomBytes(400_000);
      await writeFile(here("copied"), bytes);
      const args = [...mode, ...clients.options(key), "-P", clients.port];
      for (const size of [400_000, 100_000]) {
        await truncate(here("copied"), size);
        const up = await clients.run("scp", [...args, "copied", `ada+clock@${clients.host}:public/copied`]);
        expect([up.code, up.stderr]).toEqual([0, ""]);
        expect((await ada.get("clock", "public/copied")).equals(bytes.subarray(0, size))).toBe(true);
      }
      expect((await clients.run("scp", [...args, "-r", `ada+clock@${clients.host}:public`, "scp-back"])).code).toBe(0);
      expect((await readFile(here("scp-back", "copied"))).length).toBe(100_000);
      await rm(here("scp-back"), { recursive: true });
    });
  });
});

function namesIn({ stdout }: { readonly stdout: Buffer }): string[] {
  return stdout
    .toString()
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("sftp>"))
    .map((line) => line.trim());
}

// The same numbers at each run.
function pseudo(seed: number): number {
  const value = Math.sin(seed + 1) * 10_000;
  return value - Math.floor(value);
}
