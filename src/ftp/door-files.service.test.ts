// What the door does to files: uploads that are whole or can be resumed, special files, names, and a folder under attack.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { connect as connectTls } from "node:tls";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { RawFtp } from "../../test/support/ftp-clients.ts";
import { type FtpDoor, openFtpDoor } from "../../test/support/ftp-door.ts";

let door: FtpDoor;
beforeEach(async () => {
  door = await openFtpDoor({ BACKLOT_FTP_CONNECTIONS_PER_ADDRESS: "50" });
});
afterEach(() => door[Symbol.asyncDispose]());

const at = (path: string): string => join(door.folder, path);

/** A data connection that is there before the command. */
async function dataConnection(ftp: RawFtp): Promise<RawFtp> {
  const [, port = ""] = /\|\|\|(\d+)\|/.exec(await ftp.ask("EPSV")) ?? [];
  const data = new RawFtp(`127.0.0.1:${port}`);
  await once(data.socket, "connect");
  return data;
}

/** Sends a file whole; gives the last reply. */
async function send(ftp: RawFtp, command: string, bytes: string | Uint8Array): Promise<string> {
  await using data = await dataConnection(ftp);
  const first = await ftp.ask(command);
  if (!first.startsWith("1")) return first;
  data.socket.end(bytes);
  return await ftp.reply();
}

/** Begins to send, waits until the door has received all of it, and hands both connections out. */
async function sendPart(ftp: RawFtp, command: string, bytes: string): Promise<RawFtp> {
  const data = await dataConnection(ftp);
  expect(await ftp.ask(command)).toMatch(/^1[25][05]/);
  data.socket.write(bytes);
  let status = "";
  while (!status.includes(`: ${bytes.length} bytes so far`)) status = await ftp.ask("STAT");
  return data;
}

const binary = async (): Promise<RawFtp> => {
  const ftp = await door.signIn();
  await ftp.ask("TYPE I");
  return ftp;
};

describe("an upload over an existing file", () => {
  test.each(["the control connection goes away", "the data connection is reset", "ABOR is sent", "the client is killed, data first"])(
    "leaves the old one as it was when %s",
    async (cut) => {
      await writeFile(at("kept.txt"), "the old one");
      await using ftp = await binary();
      const data = await sendPart(ftp, "STOR kept.txt", "the new one, only in part");
      // As long as it is not whole, everybody sees the old one.
      expect(await readFile(at("kept.txt"), "utf8")).toBe("the old one");
      if (cut.startsWith("the client")) data.socket.end(() => ftp.socket.destroy());
      else if (cut.startsWith("the control")) ftp.socket.destroy();
      else if (cut.startsWith("the data")) data.socket.resetAndDestroy();
      else expect(await ftp.ask("ABOR")).toMatch(/^426/);
      await data.closed();
      await using other = await binary();
      expect(await other.ask("SIZE kept.txt")).toBe("213 11");
      // Nothing of the other one is left lying about.
      await expect.poll(() => readdirSync(door.folder)).toEqual(["kept.txt"]);
      expect(await readFile(at("kept.txt"), "utf8")).toBe("the old one");
    },
  );

  test("replaces it whole, with fewer bytes too, and keeps nothing of it", async () => {
    await writeFile(at("kept.txt"), "the old one that was longer");
    const { ino } = lstatSync(at("kept.txt"));
    await using ftp = await binary();
    expect(await send(ftp, "STOR kept.txt", "new")).toBe("226 Transfer complete.");
    expect(await readFile(at("kept.txt"), "utf8")).toBe("new");
    expect(lstatSync(at("kept.txt")).ino).not.toBe(ino);
  });
});

describe("an upload of a new file", () => {
  test.each(["the control connection goes away", "the data connection is reset", "ABOR is sent"])("leaves its part to be resumed when %s", async (cut) => {
    await using ftp = await binary();
    const data = await sendPart(ftp, "STOR fresh.txt", "0123456789");
    if (cut.startsWith("the control")) ftp.socket.destroy();
    else if (cut.startsWith("the data")) data.socket.resetAndDestroy();
    else expect(await ftp.ask("ABOR")).toMatch(/^426/);
    await using other = await binary();
    await expect.poll(() => other.ask("SIZE fresh.txt")).toBe("213 10");
    expect(await other.ask("REST 10")).toMatch(/^350/);
    expect(await send(other, "STOR fresh.txt", "abcdef")).toBe("226 Transfer complete.");
    expect(await readFile(at("fresh.txt"), "utf8")).toBe("0123456789abcdef");
    expect(await send(other, "APPE fresh.txt", "!")).toBe("226 Transfer complete.");
    expect(await readFile(at("fresh.txt"), "utf8")).toBe("0123456789abcdef!");
  });

  test("goes on nowhere behind the end, and in no folder that is not there", async () => {
    await using ftp = await binary();
    await send(ftp, "STOR a.txt", "abc");
    await ftp.ask("REST 4");
    expect(await send(ftp, "STOR a.txt", "x")).toBe("554 Invalid REST parameter.");
    await ftp.ask("REST 4");
    expect(await send(ftp, "RETR a.txt", "")).toBe("554 Invalid REST parameter.");
    expect(await send(ftp, "STOR none/a.txt", "x")).toMatch(/^550/);
  });
});

describe("what is no ordinary file", () => {
  test("is neither read nor written, holds nobody up, and can be listed, renamed and deleted", async () => {
    execFileSync("mkfifo", ["pipe", "pipe2"], { cwd: door.folder });
    await using ftp = await binary();
    await using other = await binary();
    const beganAt = Date.now();
    for (const command of ["RETR pipe", "STOR pipe", "APPE pipe", "REST 0\r\nSTOR pipe"]) {
      await using _data = await dataConnection(ftp);
      let answer = await ftp.ask(command);
      if (answer.startsWith("350")) answer = await ftp.reply();
      expect([command, answer]).toEqual([command, "550 Not a regular file."]);
    }
    for (const command of ["SIZE pipe", "MDTM pipe", "SITE CHMOD 755 pipe", "MFMT 20200102030405 pipe", "CWD pipe", "RMD pipe"])
      expect([command, await ftp.ask(command)]).toEqual([command, expect.stringMatching(/^(550|200)/)]);
    // Nobody else had to wait for a writer that never comes.
    expect(await other.ask("MLST .")).toMatch(/^250/);
    expect(Date.now() - beganAt).toBeLessThan(10_000);
    expect(lstatSync(at("pipe")).isFIFO()).toBe(true);
    expect(await ftp.ask("DELE pipe")).toMatch(/^250/);
    expect(readdirSync(door.folder)).toEqual(["pipe2"]);
  });

  test("names that are no UTF-8 are shown without harm, and cannot be sent", async () => {
    writeFileSync(Buffer.concat([Buffer.from(`${door.folder}/bad `), Buffer.from([0xff, 0xfe, 0x0a])]), "x");
    await using ftp = await binary();
    await using data = await dataConnection(ftp);
    let listing = "";
    data.socket.on("data", (chunk: Buffer) => {
      listing += chunk.toString();
    });
    expect(await ftp.ask("NLST")).toMatch(/^1/);
    expect(await ftp.reply()).toBe("226 Transfer complete.");
    await data.closed();
    expect(listing.split("\r\n")).toHaveLength(2);
    ftp.socket.write(Buffer.from("DELE bad \xff\xfe\r\n", "latin1"));
    expect(await ftp.reply()).toBe("501 The line is not valid UTF-8.");
  });
});

describe("what was sent behind AUTH TLS in clear", () => {
  test.each(["AUTH TLS\r\nUSER ftp\r\nPASS ftp\r\nMKD injected\r\n", "AUTH TLS\r\nUSER f"])("is never done: %j", async (plain) => {
    await using ftp = await door.connect();
    ftp.socket.removeAllListeners("data");
    ftp.socket.write(plain);
    await once(ftp.socket, "data");
    ftp.socket.pause();
    const secure = connectTls({ socket: ftp.socket, rejectUnauthorized: false });
    await using behind = new RawFtp(secure);
    expect(await behind.ask("PWD")).toBe("530 Log in with USER and PASS first.");
    expect(await behind.ask("PASS ftp")).toBe("503 Login with USER first.");
    expect(readdirSync(door.folder)).toEqual([]);
  });
});

// Exchanges a folder and a link in one system call, again and again: what a hostile program in a site can do at best.
const swapper = `
import ctypes
libc = ctypes.CDLL(None)
print("ready", flush=True)
while True:
  libc.renameat2(-100, b"dir", -100, b"dir.link", 2)
`;

import { titled, whyNotPython } from "../../test/support/needs.ts";

describe.skipIf(whyNotPython() !== null)(titled("while a folder is swapped for a link that leads out", whyNotPython()), () => {
  test("uploads, deletions and changes through the door never reach outside", async () => {
    const secrets = join(dirname(door.folder), "secrets");
    mkdirSync(join(secrets, "inner"), { recursive: true });
    mkdirSync(at("dir/inner"), { recursive: true });
    for (const folder of [secrets, at("dir")]) for (const file of ["file", "inner/file"]) writeFileSync(join(folder, file), "canary");
    symlinkSync(secrets, at("dir.link"));
    const attacker = spawn("python3", ["-c", swapper], { cwd: door.folder, stdio: ["ignore", "pipe", "inherit"] });
    await once(attacker.stdout, "data");
    const outcomes = { done: 0, refused: 0 };
    const beganAt = Date.now();
    // A busy machine does less in the same time: it gets the time for both outcomes, or the attack was none.
    const isMixed = (): boolean => outcomes.done > 20 && outcomes.refused > 20;
    const goesOn = (): boolean => Date.now() - beganAt < 5_000 || (!isMixed() && Date.now() - beganAt < 30_000);
    const write = async (number: number): Promise<void> => {
      await using ftp = await binary();
      for (let round = 0; goesOn(); round += 1) {
        const made = `dir/new-${number}-${round}`;
        const answers = [
          await send(ftp, "STOR dir/inner/file", "overwritten"),
          await send(ftp, `STOR ${made}`, "x"),
          await send(ftp, "APPE dir/file", "x"),
          ...[
            await ftp.ask(`MKD dir/folder-${number}-${round}`),
            await ftp.ask("SITE CHMOD 755 dir/file"),
            await ftp.ask("MFMT 20200102030405 dir/inner/file"),
          ],
          ...[await ftp.ask(`RNFR ${made}`), await ftp.ask(`RNTO ${made}.moved`), await ftp.ask(`DELE ${made}.moved`), await ftp.ask("RMD dir/inner")],
        ];
        for (const answer of answers) {
          expect(answer).toMatch(/^[2345]\d\d /);
          outcomes[/^[23]/.test(answer) ? "done" : "refused"] += 1;
        }
      }
    };
    try {
      await Promise.all([write(1), write(2), write(3)]);
    } finally {
      attacker.kill("SIGKILL");
      await once(attacker, "exit");
    }
    expect(isMixed(), JSON.stringify(outcomes)).toBe(true);
    expect([readdirSync(secrets).toSorted(), readdirSync(join(secrets, "inner"))]).toEqual([["file", "inner"], ["file"]]);
    for (const file of ["file", "inner/file"]) {
      const { mode, mtime } = lstatSync(join(secrets, file));
      expect([readFileSync(join(secrets, file), "utf8"), mode & 0o7777, mtime.getFullYear() > 2020]).toEqual(["canary", 0o644, true]);
    }
    // And the door is as well as before.
    await using ftp = await binary();
    expect(await send(ftp, "STOR after.txt", "x")).toBe("226 Transfer complete.");
  });
});
