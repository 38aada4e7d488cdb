// Every command that the door understands, with the replies that pyftpdlib gives; what they do to files in depth: door-files.service.test.ts.
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RawFtp, SecureFtp } from "../../test/support/ftp-clients.ts";
import { type FtpDoor, openFtpDoor } from "../../test/support/ftp-door.ts";
import { commandRules } from "./command.ts";

let door: FtpDoor;
const told = new Set<string>();
beforeAll(async () => {
  door = await openFtpDoor({ BACKLOT_FTP_CONNECTIONS_PER_ADDRESS: "50", BACKLOT_FTP_FAILURE_DELAY_MS: "0" });
});
afterAll(() => door[Symbol.asyncDispose]());

/** Sends lines, and compares the beginning of each reply. */
async function expectReplies(ftp: Pick<RawFtp, "ask">, lines: readonly (readonly [string, string])[]): Promise<void> {
  for (const [line, reply] of lines) {
    told.add(line.split(" ")[0] ?? "");
    expect([line, await ftp.ask(line)]).toEqual([line, expect.stringMatching(new RegExp(`^${reply}`))]);
  }
}

/** A transfer over a data connection of its own: what came, and the last reply. */
async function transfer(ftp: RawFtp, line: string, sent: string | null = null): Promise<readonly [string, string]> {
  told.add(line.split(" ")[0] ?? "");
  const [, port = ""] = /\|\|\|(\d+)\|/.exec(await ftp.ask("EPSV")) ?? [];
  await using data = new RawFtp(`127.0.0.1:${port}`);
  await once(data.socket, "connect");
  let received = "";
  data.socket.on("data", (chunk: Buffer) => {
    received += chunk.toString();
  });
  const first = await ftp.ask(line);
  if (!first.startsWith("1")) return [received, first];
  if (sent !== null) data.socket.end(sent);
  const last = await ftp.reply();
  await data.closed();
  return [received, last];
}

test("before signing in only what tells nothing is answered", async () => {
  await using ftp = await door.connect();
  await expectReplies(ftp, [
    ["NOOP", "200 "],
    ["SYST", "215 UNIX"],
    ["CLNT a program", "200 "],
    ["HELP", "214-"],
    ["PWD", "530 "],
    ["LIST", "530 "],
    ["PASS ftp", "503 "],
    ["NOSUCH", "500 "],
    ["STOR", "501 "],
    ["SYST now", "501 "],
    ["USER ftp", "331 "],
    ["PASS wrong", "530 "],
    ["USER ftp", "331 "],
    ["PASS ftp", "230 "],
    ["PASS ftp", "503 "],
  ]);
});

test("settings, folders and names", async () => {
  await using ftp = await door.signIn();
  await expectReplies(ftp, [
    ["FEAT", "211-[\\s\\S]* EPSV\r\n[\\s\\S]* MLST type\\*;[\\s\\S]* UTF8\r\n211 "],
    ["HELP stor", "214 Syntax: STOR"],
    ["HELP nosuch", "501 "],
    ["OPTS UTF8 ON", "200 "],
    ["OPTS MLST type;size;", "200 MLST OPTS type;size;"],
    ["OPTS nosuch", "501 "],
    ["TYPE A N", "200 "],
    ["REST 3", "501 "],
    ["SIZE none.txt", "550 "],
    ["TYPE E", "504 "],
    ["TYPE I", "200 "],
    ["MODE S", "200 "],
    ["MODE B", "504 "],
    ["STRU F", "200 "],
    ["STRU R", "504 "],
    ["ALLO 1000000", "202 "],
    ["REST 0", "350 "],
    ["REST x", "501 "],
    ["PWD", '257 "/"'],
    ["MKD a folder", '257 "/a folder" '],
    ["MKD a folder", "550 "],
    ["CWD a folder", '250 "/a folder"'],
    ["XPWD", '257 "/a folder"'],
    ["CDUP", '250 "/"'],
    ["CWD nosuch", "550 "],
    ["MLST a folder", "250-[\\s\\S]*type=dir;[^\r]* /a folder\r\n250 "],
    ["STAT", "211-"],
    ["STAT /", "213-[\\s\\S]*a folder\r\n"],
    ["SITE HELP", "214 "],
    ["SITE EXEC ls", "501 "],
    ["RNTO other", "503 "],
    ["RNFR nosuch", "550 "],
    ["RNFR a folder", "350 "],
    ["RNTO other", "250 "],
    ["DELE other", "550 "],
    ["RMD other", "250 "],
    ["RMD other", "550 "],
    ["ABOR", "225 "],
    ["CCC", "534 "],
    ["PBSZ 0", "503 "],
    ["PROT P", "503 "],
    ["AUTH GSSAPI", "504 "],
  ]);
});

test("files and listings, as bytes and as text", async () => {
  await using ftp = await door.signIn();
  await expectReplies(ftp, [["TYPE I", "200 "]]);
  expect(await transfer(ftp, "STOR one.txt", "a\nb\n")).toEqual(["", "226 Transfer complete."]);
  expect(await transfer(ftp, "APPE one.txt", "c\n")).toEqual(["", "226 Transfer complete."]);
  await expectReplies(ftp, [
    ["SIZE one.txt", "213 6$"],
    ["MFMT 20200102030405 one.txt", "213 Modify=20200102030405; one.txt"],
    ["MDTM one.txt", "213 20200102030405$"],
    ["SITE CHMOD 755 one.txt", "200 "],
    ["REST 2", "350 "],
  ]);
  expect(await transfer(ftp, "RETR one.txt")).toEqual(["b\nc\n", "226 Transfer complete."]);
  expect(await transfer(ftp, "NLST")).toEqual(["one.txt\r\n", "226 Transfer complete."]);
  expect((await transfer(ftp, "LIST -la"))[0]).toMatch(/^-rwxr-xr-x +1 ftp +\S+ +6 Jan 02 +2020 one\.txt\r\n$/);
  expect((await transfer(ftp, "MLSD"))[0]).toMatch(/^(?=.*type=file;)(?=.*size=6;)(?=.*modify=20200102030405;)\S+ one\.txt\r\n$/);
  await expectReplies(ftp, [
    ["RETR one.txt", "425 "],
    ["TYPE A", "200 "],
  ]);
  expect(await transfer(ftp, "RETR one.txt")).toEqual(["a\r\nb\r\nc\r\n", "226 Transfer complete."]);
  expect(await transfer(ftp, "STOR two.txt", "d\r\ne\rf\r\n")).toEqual(["", "226 Transfer complete."]);
  expect(await readFile(join(door.folder, "two.txt"), "utf8")).toBe("d\ne\rf\n");
  await expectReplies(ftp, [
    ["DELE one.txt", "250 "],
    ["DELE two.txt", "250 "],
  ]);
});

test("data connections, protection, another user, and the end", async () => {
  await writeFile(join(door.folder, "kept.txt"), "kept");
  await using ftp = await door.signIn();
  await expectReplies(ftp, [
    ["PASV", "227 Entering passive mode \\(127,0,0,1,\\d+,\\d+\\)"],
    ["EPSV", "229 [^(]*\\(\\|\\|\\|\\d+\\|\\)"],
    ["ABOR", "225 "],
    ["PORT 127,0,0,1,200,10", "200 "],
    ["PORT 10,0,0,1,200,10", "501 "],
    ["EPRT |1|127.0.0.1|51210|", "200 "],
    ["EPRT |9|127.0.0.1|51210|", "522 "],
    ["REIN", "230 "],
    ["PWD", "530 "],
    ["AUTH nosuch", "504 "],
  ]);
  await using secure = await SecureFtp.open(ftp);
  await expectReplies(secure, [
    ["USER ftp", "331 "],
    ["PASS ftp", "230 "],
    ["PROT P", "503 "],
    ["PBSZ 0", "200 "],
    ["PROT S", "536 "],
    ["PROT C", "200 "],
    ["PROT P", "200 "],
    ["AUTH TLS", "503 "],
    ["CCC", "534 "],
    ["QUIT", "221 "],
  ]);
});

test("that is all of them", () => {
  expect([...Object.keys(commandRules)].filter((verb) => !told.has(verb))).toEqual([]);
});
