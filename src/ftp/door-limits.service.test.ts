// What the door holds its clients to: numbers, times, memory, and access that ends.
import { readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { RawFtp } from "../../test/support/ftp-clients.ts";
import { type FtpDoor, homePlace, openFtpDoor } from "../../test/support/ftp-door.ts";
import { ManualTimers } from "../../test/support/manual-timers.ts";

let door: FtpDoor;
afterEach(() => door[Symbol.asyncDispose]());

describe("connections", () => {
  test("are five at once from one address, and a place that becomes free is given again", async () => {
    door = await openFtpDoor();
    const five = await Promise.all(Array.from({ length: 5 }, () => door.connect()));
    await using sixth = new RawFtp(door.address);
    expect(await sixth.reply()).toBe("421 Too many connections from the same IP address.");
    await sixth.closed();
    // Others do not suffer for it.
    await using other = await door.connect("127.0.0.2");
    expect(await other.ask("NOOP")).toMatch(/^200/);
    five[0]?.socket.destroy();
    await expect.poll(() => door.connect().then((ftp) => ftp.ask("NOOP"))).toMatch(/^200/);
    for (const ftp of five) ftp.socket.destroy();
  });

  test("are 256 at once in all", async () => {
    door = await openFtpDoor();
    const crowd = await Promise.all(Array.from({ length: 256 }, (_, index) => door.connect(`127.0.1.${1 + Math.floor(index / 5)}`)));
    await using late = new RawFtp(door.address, "127.0.2.1");
    expect(await late.reply()).toBe("421 Too many connections. Service temporarily unavailable.");
    expect(await crowd.at(-1)?.ask("NOOP")).toMatch(/^200/);
    for (const ftp of crowd) ftp.socket.destroy();
  });
});

describe("time", () => {
  test("to sign in is a minute, and talking does not make it longer", async () => {
    const timers = new ManualTimers();
    door = await openFtpDoor({}, timers);
    await using ftp = await door.connect();
    timers.pass(59_999);
    expect(await ftp.ask("NOOP")).toMatch(/^200/);
    timers.pass(1);
    expect(await ftp.reply()).toBe("421 Signing in took too long.");
    await ftp.closed();
  });

  test("of silence is five minutes, counted from the last command", async () => {
    const timers = new ManualTimers();
    door = await openFtpDoor({}, timers);
    await using ftp = await door.signIn();
    await using other = await door.signIn();
    timers.pass(299_999);
    expect(await ftp.ask("NOOP")).toMatch(/^200/);
    // The timer begins anew after the answer.
    expect(await ftp.ask("NOOP")).toMatch(/^200/);
    timers.pass(1);
    expect(await other.reply()).toBe("421 Control connection timed out.");
    await other.closed();
    timers.pass(299_997);
    expect(await ftp.ask("NOOP")).toMatch(/^200/);
  });

  test("of three seconds is what each wrong password costs, and the third ends the connection", async () => {
    const timers = new ManualTimers();
    door = await openFtpDoor({}, timers);
    await using ftp = await door.connect();
    for (const last of [false, false, true]) {
      await ftp.ask("USER ftp");
      ftp.socket.write("PASS wrong\r\n");
      // Long enough for the manager's answer: the reply itself waits for the timer.
      await expect(ftp.reply(300)).rejects.toThrow(/no reply/);
      timers.pass(2_999);
      await expect(ftp.reply(50)).rejects.toThrow(/no reply/);
      timers.pass(1);
      expect(await ftp.reply()).toBe(`530 Authentication failed.${last ? " Disconnecting." : ""}`);
    }
    await ftp.closed();
  });

  test("a transfer that stalls is ended, and its session goes on", async () => {
    door = await openFtpDoor({ BACKLOT_FTP_IDLE_SECONDS: "1" });
    await using ftp = await door.signIn();
    const [, port = ""] = /\|\|\|(\d+)\|/.exec(await ftp.ask("EPSV")) ?? [];
    await using data = new RawFtp(`127.0.0.1:${port}`);
    data.socket.write("a part");
    expect(await ftp.ask("STOR stalled.txt")).toMatch(/^1[25]/);
    expect(await ftp.reply()).toMatch(/^426/);
    expect(await ftp.ask("SIZE stalled.txt")).toMatch(/^(213 6|550 SIZE)/);
  });
});

describe("memory", () => {
  test("does not grow with the questions of a client that takes no answers during a transfer", async () => {
    door = await openFtpDoor();
    await using ftp = await door.signIn();
    const [, port = ""] = /\|\|\|(\d+)\|/.exec(await ftp.ask("EPSV")) ?? [];
    await using data = new RawFtp(`127.0.0.1:${port}`);
    data.socket.write("x");
    expect(await ftp.ask("STOR slow.txt")).toMatch(/^1[25]/);
    ftp.socket.pause();
    const resident = (): number => Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]) * 1024;
    const before = resident();
    const [flood, pieces] = [Buffer.from("STAT\r\n".repeat(10_000)), 200];
    let taken = 0;
    // What the door does not read waits at the client.
    for (let piece = 0; piece < pieces; piece += 1) {
      const isOut = new Promise<boolean>((resolve) => ftp.socket.write(flood, () => resolve(true)));
      if (!(await Promise.race([isOut, new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 500))]))) break;
      taken += flood.length;
    }
    expect(taken).toBeLessThan(flood.length * pieces);
    expect(resident() - before).toBeLessThan(150_000_000);
    ftp.socket.destroy();
  });
});

describe("access", () => {
  test("that is lost ends the session, a transfer that goes on with it", async () => {
    door = await openFtpDoor();
    await using ftp = await door.signIn();
    const [, port = ""] = /\|\|\|(\d+)\|/.exec(await ftp.ask("EPSV")) ?? [];
    await using data = new RawFtp(`127.0.0.1:${port}`);
    data.socket.write("a part");
    expect(await ftp.ask("STOR part.txt")).toMatch(/^1[25]/);
    door.places = [];
    const at = Date.now();
    door.announce({ sites: [homePlace.siteId], users: [] });
    expect(await ftp.reply()).toMatch(/^4(21|26)/);
    await Promise.all([ftp.closed(), data.closed()]);
    expect(Date.now() - at).toBeLessThan(2_000);
  });

  test("to write that became access to read ends the session too", async () => {
    door = await openFtpDoor();
    await using ftp = await door.signIn();
    expect(await ftp.ask("MKD a")).toMatch(/^257/);
    door.places = [{ ...homePlace, canWrite: false }];
    door.announce({ sites: [homePlace.siteId], users: [] });
    expect(await ftp.reply()).toBe("421 Your access has ended.");
  });

  test("of others does not matter", async () => {
    door = await openFtpDoor();
    await using ftp = await door.signIn();
    door.announce({ sites: [77], users: [78] });
    expect(await ftp.ask("MKD a")).toMatch(/^257/);
  });

  test("to a site that somebody was just given is seen at once", async () => {
    door = await openFtpDoor();
    Object.assign(door, { root: null, places: [] });
    await mkdir(join(door.folder, "sub"));
    await using ftp = await door.signIn();
    expect(await ftp.ask("CWD /home")).toMatch(/^550/);
    door.places = [homePlace];
    await expect.poll(() => ftp.ask("CWD /home/sub"), { timeout: 3_000 }).toBe('250 "/home/sub" is the current directory.');
  });

  test("to more sites than a renewal asks for is there in each of them", async () => {
    door = await openFtpDoor();
    const others = Array.from({ length: 100 }, (_, index) => ({ ...homePlace, siteId: index + 1, name: `site-${index + 1}` }));
    Object.assign(door, { root: null, places: [...others, homePlace] });
    await writeFile(join(door.folder, "a.txt"), "abc");
    await using ftp = await door.signIn();
    await ftp.ask("TYPE I");
    // They are not at this orchestrator: what counts is that it was asked, with a grant.
    for (const { name } of others) expect([name, await ftp.ask(`SIZE /${name}/a.txt`)]).toEqual([name, expect.stringMatching(/^550/)]);
    expect(await ftp.ask("SIZE /home/a.txt")).toBe("213 3");
    expect(await ftp.ask("SIZE /site-1/a.txt")).toMatch(/^550/);
  });
});
