// The door in this process, with real connections, real TLS and a real orchestrator's files behind it.
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type Server } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { afterEach, describe, expect, test } from "vitest";
import { SecureFtp } from "../../test/support/ftp-clients.ts";
import { type FtpDoor, openFtpDoor } from "../../test/support/ftp-door.ts";

let door: FtpDoor;
afterEach(() => door[Symbol.asyncDispose]());

const portOf = (answer: string): number => {
  const [, high = "", low = ""] = /,(\d+),(\d+)\)/.exec(answer) ?? [];
  return high === "" ? Number(/\|\|\|(\d+)\|/.exec(answer)?.[1]) : Number(high) * 256 + Number(low);
};
const plainRefusal = "550 TLS is required here: send AUTH TLS first.";

test("says how it is where it is asked to", async () => {
  door = await openFtpDoor({ BACKLOT_FTP_HEALTH_PORT: "0" });
  await using _session = await door.connect();
  const ask = async (path: string): Promise<string> => (await fetch(`${door.healthUrl}${path}`)).text();
  await expect.poll(() => ask("/readyz"), { timeout: 20_000 }).toBe("ok\n");
  expect(await ask("/metrics")).toContain("backlot_ftp_sessions 1\n");
});

describe("TLS", () => {
  test("is required off loopback: nothing is told of names, passwords or files before it", async () => {
    door = await openFtpDoor({ BACKLOT_FTP_HOST: "0.0.0.0" });
    await using ftp = await door.connect();
    for (const line of ["USER ftp", "PASS ftp", "PASV", "LIST", "REIN", "PROT C"]) expect([line, await ftp.ask(line)]).toEqual([line, plainRefusal]);
    expect(await ftp.ask("FEAT")).toContain(" AUTH TLS");
    await using secure = await SecureFtp.open(ftp);
    await secure.ask("USER ftp");
    expect(await secure.ask("PASS ftp")).toBe("230 Login successful.");
    expect(await secure.ask("EPSV")).toMatch(/^229/);
    expect(await secure.ask("LIST")).toBe("521 TLS is required for data connections too: send PBSZ 0 and PROT P first.");
    expect(await secure.ask("PBSZ 0")).toBe("200 PBSZ=0 successful.");
    expect(await secure.ask("PROT C")).toBe("534 Data connections have to be protected here (use P).");
    expect(await secure.ask("PROT P")).toBe("200 Protection set to Private.");
    expect(await secure.ask("CCC")).toBe("534 The protection of the control connection stays.");
    expect(await secure.list()).toMatchObject({ last: "226 Transfer complete." });
  });

  test("is not required where the setting says so", async () => {
    door = await openFtpDoor({ BACKLOT_FTP_HOST: "0.0.0.0", BACKLOT_FTP_ALLOW_PLAIN: "true" });
    await using ftp = await door.signIn();
    expect(await ftp.ask("PWD")).toMatch(/^257/);
  });

  test.each(["TLSv1.2", "TLSv1.3"] as const)("a data connection may take up the session of its control connection (%s)", async (version) => {
    door = await openFtpDoor();
    await using ftp = await SecureFtp.open(await door.connect(), version);
    await ftp.protect();
    expect(await ftp.list()).toEqual({ last: "226 Transfer complete.", isSessionReused: true });
  });

  test("a data connection with a session of another control connection, or with none, is refused where reuse is required", async () => {
    door = await openFtpDoor({ BACKLOT_FTP_SESSION_REUSE: "true" });
    await using other = await SecureFtp.open(await door.connect());
    await other.protect();
    await using ftp = await SecureFtp.open(await door.connect());
    await ftp.protect();
    for (const session of [undefined, other.session])
      expect(await ftp.list(session ?? null)).toMatchObject({ last: "522 The data connection has to reuse the TLS session of the control connection." });
    expect(await ftp.list()).toEqual({ last: "226 Transfer complete.", isSessionReused: true });
  });

  test("that a client breaks off in the middle ends the transfer, and not the session", async () => {
    door = await openFtpDoor();
    await using ftp = await SecureFtp.open(await door.connect());
    await ftp.protect();
    const data = connect({ host: "127.0.0.1", port: portOf(await ftp.ask("EPSV")) });
    await once(data, "connect");
    expect(await ftp.ask("STOR a.txt")).toMatch(/^125/);
    // The beginning of a record with a handshake in it, and the end.
    data.end(Buffer.from([0x16, 0x03, 0x01, 0x01, 0x00, 0x01]));
    expect(await ftp.reply()).toBe("426 Connection closed; transfer aborted.");
    expect(await ftp.list()).toMatchObject({ last: "226 Transfer complete." });
    // The same on the control connection itself ends it.
    await using other = await door.connect();
    expect(await other.ask("AUTH TLS")).toMatch(/^234/);
    other.socket.end(Buffer.from([0x16, 0x03, 0x01, 0x01, 0x00, 0x01]));
    await other.closed();
  });

  test("older than 1.2 is not spoken", async () => {
    door = await openFtpDoor();
    await using ftp = await door.connect();
    expect(await ftp.ask("AUTH TLS")).toMatch(/^234/);
    const secure: TLSSocket = connectTls({
      socket: ftp.socket,
      rejectUnauthorized: false,
      minVersion: "TLSv1",
      maxVersion: "TLSv1.1",
      ciphers: "ALL@SECLEVEL=0",
    });
    await expect(once(secure, "secureConnect")).rejects.toThrow();
  });
});

describe("data connections", () => {
  test("use the ports that the settings name, and say so when all are taken", async () => {
    const { taken, range } = await takeOneOfTwo();
    door = await openFtpDoor({ BACKLOT_FTP_PASSIVE_PORTS: `${range.first}-${range.last}` });
    await using one = await door.signIn();
    await using two = await door.signIn();
    // One of the two is taken: the other is found, however often.
    for (const verb of ["PASV", "EPSV", "PASV", "EPSV"]) expect(portOf(await one.ask(verb))).toBe(range.last);
    expect(await two.ask("PASV")).toBe("425 Can't open data connection: no port is free for a data connection.");
    taken.close();
    expect(portOf(await two.ask("PASV"))).toBe(range.first);
  });

  test("are told under the masquerade address, while EPSV names none", async () => {
    door = await openFtpDoor({ BACKLOT_FTP_MASQUERADE_ADDRESS: "192.0.2.7" });
    await using ftp = await door.signIn();
    expect(await ftp.ask("PASV")).toMatch(/^227 Entering passive mode \(192,0,2,7,\d+,\d+\)\.$/);
    expect(await ftp.ask("EPSV")).toMatch(/^229 Entering extended passive mode \(\|\|\|\d+\|\)\.$/);
  });

  test("work over IPv6, both ways round", async () => {
    door = await openFtpDoor({ BACKLOT_FTP_HOST: "::1" });
    await using ftp = await door.signIn();
    expect(await ftp.ask("PASV")).toBe("425 PASV is for IPv4; use EPSV.");
    expect(await ftp.ask("EPSV 1")).toBe("522 Network protocol not supported (use 2).");
    const passive = connect({ host: "::1", port: portOf(await ftp.ask("EPSV 2")) }).resume();
    expect(await ftp.ask("NLST")).toMatch(/^1[25]/);
    expect(await ftp.reply()).toBe("226 Transfer complete.");
    passive.destroy();
    const mine = createServer((socket) => socket.resume()).listen(0, "::1");
    await once(mine, "listening");
    const { port } = mine.address() as { readonly port: number };
    expect(await ftp.ask(`EPRT |2|::2|${port}|`)).toBe("501 Rejected data connection to a foreign address.");
    expect(await ftp.ask(`EPRT |2|::1|${port}|`)).toBe("200 EPRT command successful.");
    expect(await ftp.ask("NLST")).toMatch(/^150/);
    expect(await ftp.reply()).toBe("226 Transfer complete.");
    mine.close();
  });

  test("of another host are not taken for the client's", async () => {
    door = await openFtpDoor();
    await using ftp = await door.signIn();
    const port = portOf(await ftp.ask("EPSV"));
    const thief = connect({ host: "127.0.0.1", port, localAddress: "127.0.0.9" });
    await once(thief.resume(), "close");
    const mine = connect({ host: "127.0.0.1", port }).resume();
    expect(await ftp.ask("NLST")).toMatch(/^1[25]/);
    expect(await ftp.reply()).toBe("226 Transfer complete.");
    mine.destroy();
  });

  test("after EPSV ALL come about by EPSV only", async () => {
    door = await openFtpDoor();
    await using ftp = await door.signIn();
    expect(await ftp.ask("EPSV ALL")).toMatch(/^220/);
    for (const line of ["PASV", "PORT 127,0,0,1,200,1", "EPRT |1|127.0.0.1|50000|"])
      expect([line, await ftp.ask(line)]).toEqual([line, expect.stringMatching(/^501/)]);
    expect(await ftp.ask("EPSV")).toMatch(/^229/);
  });
});

/** Two neighbouring ports of which the first is taken. Below those that connections get from the system, one of which could be the second. */
async function takeOneOfTwo(): Promise<{ readonly taken: Server; readonly range: { readonly first: number; readonly last: number } }> {
  for (;;) {
    const first = randomInt(20_000, 32_000);
    const [taken, free] = await Promise.all([first, first + 1].map((port) => listenAt(port)));
    free?.close();
    if (taken !== null && taken !== undefined && free !== null) return { taken, range: { first, last: first + 1 } };
    taken?.close();
  }
}

async function listenAt(port: number): Promise<Server | null> {
  const server = createServer().listen(port, "127.0.0.1");
  return once(server, "listening").then(
    () => server,
    () => null,
  );
}
