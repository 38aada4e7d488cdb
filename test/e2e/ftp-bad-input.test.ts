// What strangers and broken clients send to the FTP door: the process lives, its memory stays bounded, and others notice nothing.
import { randomBytes, randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import { connect as connectTls } from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { listAudit } from "#contract/api/accounts.ts";
import { type Backlot, startBacklot } from "../support/backlot.ts";
import { RawFtp } from "../support/ftp-clients.ts";

let backlot: Backlot;
let pid: number;
/** Says nothing: begun first, so that nobody waits for its end. */
let idle: RawFtp;
/** Somebody who is there all along. */
let bystander: RawFtp;
const control = (): number => backlot.processes().find(({ command }) => command.includes("manager,worker,ftp"))?.pid ?? 0;
const residentBytes = (): number => Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;

beforeAll(async () => {
  const environment = {
    ...{ BACKLOT_FTP_DEMO_ACCOUNT: "ftp:ftp", BACKLOT_FTP_FAILURE_DELAY_MS: "50", BACKLOT_FTP_CONNECTIONS: "256" },
    ...{ BACKLOT_FTP_CONNECTIONS_PER_ADDRESS: "300", BACKLOT_FTP_SIGN_IN_SECONDS: "15" },
  };
  backlot = await startBacklot({ environment });
  pid = control();
  idle = await connected();
  bystander = await signedIn();
});
// Whatever somebody else sends: the session goes on, through to the files behind it.
const goesOn = async (): Promise<void> => expect(await bystander.ask("MLST /")).toMatch(/^250/);
afterEach(goesOn);
afterAll(async () => {
  try {
    // Whatever was sent: the process is the one that was started.
    expect(control()).toBe(pid);
  } finally {
    await backlot?.[Symbol.asyncDispose]();
  }
});

async function connected(): Promise<RawFtp> {
  const ftp = new RawFtp(backlot.ftp);
  expect(await ftp.reply()).toMatch(/^220/);
  return ftp;
}
async function signedIn(): Promise<RawFtp> {
  const ftp = await connected();
  await ftp.ask("USER ftp");
  expect(await ftp.ask("PASS ftp")).toMatch(/^230/);
  return ftp;
}

describe("the FTP door", () => {
  it("takes commands in pieces and several at once, and answers each in turn", async () => {
    await using ftp = await connected();
    for (const byte of "USER ftp\r\nPASS ftp\r\n") ftp.socket.write(byte);
    expect([await ftp.reply(), await ftp.reply()]).toEqual(["331 Username ok, send password.", "230 Login successful."]);
    ftp.socket.write("PWD\r\n".repeat(500));
    for (let index = 0; index < 500; index += 1) expect(await ftp.reply()).toMatch(/^257 "\/"/);
    ftp.socket.end("RETR never fini");
    await ftp.closed();
  });

  it("throws a line of 10 MB and names that are no UTF-8 away, and goes on", async () => {
    await using ftp = await signedIn();
    const before = residentBytes();
    ftp.socket.write("x".repeat(10_000_000));
    expect(await ftp.ask("")).toBe("500 Command too long.");
    expect(residentBytes() - before).toBeLessThan(80_000_000);
    ftp.socket.write(Buffer.from("MKD \xff\xfe\r\n", "latin1"));
    expect(await ftp.reply()).toMatch(/^501/);
    expect(await ftp.ask("NOOP")).toMatch(/^200/);
  });

  it("lets nobody out of the folder, whatever the path looks like", async () => {
    await using ftp = await signedIn();
    for (const path of [
      "../../../../etc",
      "/../../etc",
      "a/../../../etc",
      "\\..\\..\\etc",
      "....//....//etc",
      "/proc/self/root/etc",
      ".backlot-tmp-x",
      "a".repeat(300),
    ])
      for (const verb of ["CWD", "SIZE", "MLST", "DELE", "RMD", "RNFR"])
        expect([verb, path, await ftp.ask(`${verb} ${path}`)]).toEqual([verb, path, expect.stringMatching(/^55/)]);
    expect(await ftp.ask("MKD a\0b")).toMatch(/^501/);
    expect(await ftp.ask("MKD /")).toMatch(/^550/);
  });

  it("connects to nobody but its client, and to no ordinary service of it", async () => {
    await using ftp = await signedIn();
    for (const bad of [
      "PORT 192,0,2,1,40,1",
      "PORT 127,0,0,2,40,1",
      "PORT 127,0,0,1,0,25",
      "EPRT |1|192.0.2.1|9000|",
      "EPRT |1|127.0.0.1|80|",
      "PORT 1,2,3",
      "EPRT |||",
    ])
      expect([bad, await ftp.ask(bad)]).toEqual([bad, expect.stringMatching(/^501/)]);
    expect(await ftp.ask("LIST")).toMatch(/^425/);
  });

  it("forgets what was sent behind AUTH TLS in clear", async () => {
    await using ftp = await connected();
    ftp.socket.removeAllListeners("data");
    ftp.socket.write("AUTH TLS\r\nUSER ftp\r\nPASS ftp\r\nMKD injected\r\n");
    await new Promise<void>((resolve) => ftp.socket.once("data", () => resolve()));
    ftp.socket.pause();
    const secure = connectTls({ socket: ftp.socket, rejectUnauthorized: false, minVersion: "TLSv1.2" });
    const replies: string[] = [];
    secure.on("data", (chunk: Buffer) => replies.push(chunk.toString()));
    secure.write("PWD\r\n");
    await expect.poll(() => replies.join(""), { timeout: 20_000 }).toBe("530 Log in with USER and PASS first.\r\n");
    secure.destroy();
  });

  it("slows guessing down, closes after three tries, and waits for nobody for ever", async () => {
    await using guessing = await connected();
    for (const last of [false, false, true]) {
      await guessing.ask("USER nobody");
      expect(await guessing.ask("PASS x")).toBe(`530 Authentication failed.${last ? " Disconnecting." : ""}`);
    }
    await guessing.closed();
    expect(await idle.reply(60_000)).toBe("421 Signing in took too long.");
    await idle.closed();
  });

  it("refuses the connections that are too many, and answers the others", async () => {
    await using mine = await signedIn();
    const before = residentBytes();
    const crowd = Array.from({ length: 1_000 }, () => new RawFtp(backlot.ftp, "127.0.0.2"));
    await goesOn();
    const greetings = await Promise.all(crowd.map((ftp) => ftp.reply()));
    const counted = (words: string): number => greetings.filter((greeting) => greeting.startsWith(words)).length;
    // On a busy machine the first of them have to go before the last have come.
    expect(counted("220")).toBeGreaterThanOrEqual(254);
    expect(counted("220")).toBeLessThan(520);
    expect(counted("421 Too many connections.")).toBe(1_000 - counted("220"));
    expect(residentBytes() - before).toBeLessThan(100_000_000);
    expect(await mine.ask("PWD")).toMatch(/^257/);
    await goesOn();
    for (const ftp of crowd) ftp.socket.destroy();
    await expect.poll(async () => (await connectedOrNot()).startsWith("220"), { timeout: 20_000 }).toBe(true);
  });

  it("has what was moved and deleted in the audit trail, with door and address", async () => {
    await using ftp = await signedIn();
    for (const [line, reply] of [
      ["MKD early", /^257/],
      ["RNFR early", /^350/],
      ["RNTO late", /^250/],
      ["RMD late", /^250/],
    ] as const)
      expect([line, await ftp.ask(line)]).toEqual([line, expect.stringMatching(reply)]);
    const admin = await backlot.admin();
    const noted = async (): Promise<readonly unknown[]> =>
      (await admin.client.call(listAudit, {})).entries.map(({ action, door, address, details }) => ({ action, door, address, details }));
    const common = { door: "ftp", address: "127.0.0.1" };
    await expect.poll(noted, { timeout: 30_000 }).toEqual(
      expect.arrayContaining([
        { ...common, action: "files.move", details: expect.objectContaining({ path: "early → late" }) },
        { ...common, action: "files.delete", details: expect.objectContaining({ path: "late" }) },
      ]),
    );
  });

  it("survives random bytes and random commands, before and after signing in", async () => {
    const before = residentBytes();
    const verbs = [
      "USER",
      "PASS",
      "AUTH",
      "PBSZ",
      "PROT",
      "EPSV",
      "PASV",
      "PORT",
      "EPRT",
      "LIST",
      "NLST",
      "MLSD",
      "RETR",
      "STOR",
      "APPE",
      "REST",
      "SIZE",
      "MFMT",
      "MKD",
      "RNFR",
      "RNTO",
      "ABOR",
      "SITE",
      "STAT",
      "REIN",
      "OPTS",
      "HELP",
      "TYPE",
    ];
    const until = Date.now() + 4_000;
    while (Date.now() < until) {
      await using ftp = randomInt(2) === 0 ? await connected() : await signedIn();
      for (let index = 0; index < 40; index += 1) {
        const argument =
          [randomBytes(randomInt(40)), Buffer.from("TLS"), Buffer.from("a"), Buffer.from("99999999999999999999"), Buffer.from("127,0,0,1,200,200")][
            randomInt(5)
          ] ?? "";
        ftp.socket.write(Buffer.concat([Buffer.from(`${verbs[randomInt(verbs.length)]} `), Buffer.from(argument), Buffer.from("\r\n")]));
      }
      ftp.socket.write(randomBytes(2_000));
      if (randomInt(2) === 0) await new Promise((resolve) => setTimeout(resolve, randomInt(60)));
      ftp.socket.resetAndDestroy();
    }
    await using ftp = await signedIn();
    expect(await ftp.ask("NOOP")).toMatch(/^200/);
    expect(residentBytes() - before).toBeLessThan(150_000_000);
    expect((await backlot.ask("/healthz")).status).toBe(200);
  });
});

async function connectedOrNot(): Promise<string> {
  await using ftp = new RawFtp(backlot.ftp);
  return await ftp.reply();
}
