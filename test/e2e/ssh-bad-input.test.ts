// What nobody should send to the SSH door: it lives, stays small, and nobody else notices.
import { randomBytes, randomInt } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { OpenMode, SFTPWrapper } from "ssh2";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Backlot, startBacklot } from "../support/backlot.ts";
import { titled, whyNoProgram } from "../support/needs.ts";
import { field, RawSftp, uint32 } from "../support/raw-sftp.ts";
import { goToShell } from "../support/shell-bystander.ts";
import { has, SshClients } from "../support/ssh-clients.ts";

let folder: string;
let backlot: Backlot;
let clients: SshClients;
let key: string;
/** How long somebody was let who says nothing, and somebody who only greets, in milliseconds: begun first, so that nobody waits for it. */
let lingering: Promise<readonly number[]>;
/** The processes of the door and of those behind it: they would be started anew, and nobody could tell by what they do. */
let pids: readonly (number | undefined)[];
/** Asks somebody who is at a shell all along. */
let bystander: () => Promise<void>;

const processes = (): readonly (number | undefined)[] => {
  const found = backlot.processes();
  return [/ run manager,worker/, / run orchestrator/, / run router/].map((marker) => found.find(({ command }) => marker.test(command))?.pid);
};
const knock = (localAddress = "127.0.0.1"): Socket => connect({ host: clients.host, port: Number(clients.port), localAddress }).on("error", () => undefined);
const closed = (socket: Socket): Promise<void> => new Promise((resolve) => void (socket.destroyed ? resolve() : socket.once("close", () => resolve())));
/** Whether somebody who comes from there is greeted. */
async function isGreeted(localAddress: string): Promise<boolean> {
  const socket = knock(localAddress);
  const greeted = new Promise<boolean>((resolve) => void socket.once("data", () => resolve(true)).once("close", () => resolve(false)));
  return greeted.finally(() => socket.destroy());
}
/** Greets so and says nothing more until it is put out; how long that took. */
async function linger(greeting: string): Promise<number> {
  const socket = knock();
  socket.resume();
  if (greeting !== "") socket.write(greeting);
  const before = performance.now();
  await closed(socket);
  return performance.now() - before;
}
const echoed = async (): Promise<string> => (await clients.ssh("ada/clock", key, ["echo fine"])).stdout.toString();
const works = async (): Promise<void> => {
  expect(await echoed()).toBe("fine\n");
};
const residentBytes = async (): Promise<number> => {
  const pids = backlot.processes().map(({ pid }) => pid);
  const sizes = await Promise.all(
    pids.map(async (pid) => Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, "utf8").catch(() => ""))?.[1] ?? 0)),
  );
  return sizes.reduce((sum, size) => sum + size, 0) * 1024;
};

describe.skipIf(!has("ssh"))(titled("the SSH door", whyNoProgram("ssh")), () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "backlot-ssh-bad-"));
    backlot = await startBacklot({
      environment: {
        BACKLOT_SSH_FAILURE_DELAY_MS: "20",
        BACKLOT_SSH_SIGN_IN_SECONDS: "10",
        BACKLOT_SSH_CONNECTIONS: "100",
        BACKLOT_SSH_CONNECTIONS_PER_ADDRESS: "30",
        BACKLOT_SSH_ATTEMPTS: "3",
      },
    });
    clients = new SshClients(folder, backlot);
    lingering = Promise.all(["", "SSH-2.0-OpenSSH_9.2\r\n"].map(linger));
    const ada = await backlot.addPerson("ada");
    await ada.createSite("clock", "static");
    key = (await clients.addKey(ada)).file;
    bystander = await goToShell(await clients.connect("ada/clock", key));
    pids = processes();
  });
  // Whatever somebody else sends.
  afterEach(() => bystander());
  afterAll(async () => {
    try {
      // Nothing was started anew.
      expect(pids).toEqual([expect.any(Number), expect.any(Number), expect.any(Number)]);
      expect(processes()).toEqual(pids);
    } finally {
      await backlot?.[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    }
  });

  it("lives on random bytes, before and behind a greeting", async () => {
    for (let count = 0; count < 80; count += 10) {
      const batch = Array.from({ length: 10 }, (_, at) => {
        const socket = knock();
        if (at % 2 === 0) socket.write("SSH-2.0-OpenSSH_9.2\r\n");
        socket.end(randomBytes(1 + ((count * 97 + at * 31) % 5_000)));
        socket.resume();
        return closed(socket);
      });
      await Promise.all(batch);
    }
    await works();
  });

  it("lives on lengths that lie and lines without end", async () => {
    const before = await residentBytes();
    const bytes = [
      Buffer.alloc(10_000_000, "x"),
      Buffer.alloc(200_000, "x"),
      Buffer.concat([Buffer.from("SSH-2.0-x\r\n"), Buffer.from([0xff, 0xff, 0xff, 0xff]), Buffer.alloc(100_000)]),
      Buffer.concat([Buffer.from("SSH-2.0-x\r\n"), Buffer.from([0, 0, 0, 0, 0, 0])]),
      Buffer.from("SSH-1.5-old\r\n"),
      Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    ];
    await Promise.all(
      bytes.map(async (each) => {
        const socket = knock();
        socket.resume();
        socket.write(each);
        await closed(socket);
      }),
    );
    expect((await residentBytes()) - before).toBeLessThan(100_000_000);
    await works();
  });

  it("refuses a thousand connections from one address, is there for others meanwhile, and for everybody as soon as they have gone", async () => {
    const before = await residentBytes();
    const sockets = Array.from({ length: 1_000 }, () => {
      const socket = knock("127.0.0.2");
      socket.resume();
      return socket;
    });
    const open = (): number => sockets.filter(({ destroyed }) => !destroyed).length;
    await bystander();
    await works();
    await expect.poll(open, { timeout: 20_000 }).toBeLessThanOrEqual(30);
    await bystander();
    expect((await residentBytes()) - before).toBeLessThan(150_000_000);
    for (const socket of sockets) socket.destroy();
    await expect.poll(() => isGreeted("127.0.0.2"), { timeout: 20_000 }).toBe(true);
  });

  it("refuses the connections that are too many from all addresses together, and goes on with those that it has", async () => {
    const guests = ["127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5", "127.0.0.6"].flatMap((from) =>
      Array.from({ length: 30 }, () => {
        const socket = knock(from);
        const guest = { socket, greeted: false };
        socket.on("data", () => {
          guest.greeted = true;
        });
        return guest;
      }),
    );
    await expect.poll(() => guests.every(({ socket, greeted }) => greeted || socket.destroyed), { timeout: 30_000 }).toBe(true);
    // The bystander, too, is one of the hundred.
    expect(guests.filter(({ greeted }) => greeted).length).toBeLessThan(120);
    expect(guests.filter(({ socket }) => !socket.destroyed).length).toBeLessThan(100);
    await bystander();
    for (const { socket } of guests) socket.destroy();
    await expect.poll(echoed, { timeout: 20_000 }).toBe("fine\n");
  });

  it("closes after so many wrong passwords", async () => {
    const { default: ssh2 } = await import("ssh2");
    const client = new ssh2.Client();
    let tries = 0;
    const ended = new Promise<void>((resolve) => void client.on("error", () => undefined).once("close", () => resolve()));
    client.connect({
      ...{ host: clients.host, port: Number(clients.port), username: "ada" },
      authHandler: (_methods, _partial, next) => {
        tries += 1;
        next({ type: "password", username: "ada", password: `wrong ${tries}` });
      },
    });
    await ended;
    expect(tries).toBeGreaterThanOrEqual(3);
    expect(tries).toBeLessThanOrEqual(4);
  });

  it("ends a session that speaks no SFTP, and lives", async () => {
    for (const bytes of [randomBytes(64), Buffer.from([0, 0, 0, 5, 1, 0, 0, 0, 3, 0, 0, 0, 5, 3, 0, 0, 0, 1]), Buffer.from([0x7f, 0xff, 0xff, 0xff])]) {
      const client = await clients.connect("ada/clock", key);
      const ended = new Promise<void>((resolve, reject) =>
        client.subsys("sftp", (error, channel) => {
          if (error) return reject(error);
          channel.on("close", () => resolve()).resume();
          channel.write(bytes);
        }),
      );
      await ended;
      client.end();
    }
    await works();
  });

  it("lives on random requests of SFTP, and keeps little of them", async () => {
    const before = await residentBytes();
    const client = await clients.connect("ada/clock", key);
    let [sessions, replies] = [0, 0];
    // On a busy machine few go through in this time.
    for (const until = Date.now() + 3_000; Date.now() < until || sessions < 10; sessions += 1) {
      const sftp = await RawSftp.open(client);
      for (let count = 0; count < 60; count += 1) sftp.sendRandom();
      // The last of them is none: some sessions end in the middle.
      if (randomInt(2) === 0) sftp.send(randomInt(256), randomBytes(randomInt(60)));
      sftp.channel.end();
      await sftp.closed;
      replies += sftp.replies;
    }
    client.end();
    // Beside each session's first reply: most requests are whole, and answered.
    expect(replies).toBeGreaterThan(sessions * 2);
    expect((await residentBytes()) - before).toBeLessThan(150_000_000);
    await works();
  });

  it("holds so many names of open folders and no more, in all sessions of a person, until they are read or closed", async () => {
    expect((await clients.ssh("ada/clock", key, ["mkdir many && cd many && seq 19000 | xargs touch && echo made"])).stdout.toString()).toBe("made\n");
    const before = await residentBytes();
    const client = await clients.connect("ada/clock", key);
    const sessions = [await RawSftp.open(client), await RawSftp.open(client)] as const;
    const open = (session: number): Promise<Buffer> => (sessions[session] ?? sessions[0]).ask(11, uint32(7), field("many"));
    const opened: Buffer[] = [];
    for (const session of [0, 1, 0, 1, 0]) opened.push(await open(session));
    expect(opened.map((reply) => reply[0])).toEqual([102, 102, 102, 102, 102]);
    const refused = await open(1);
    expect([refused[0], refused.toString("latin1")]).toEqual([101, expect.stringContaining("Too many folders are open. Close some of them.")]);
    expect((await residentBytes()) - before).toBeLessThan(200_000_000);
    // Another person is not held up, and what is closed is free for the next.
    await works();
    expect((await sessions[0].ask(4, uint32(7), opened[0]?.subarray(5) ?? Buffer.alloc(0)))[0]).toBe(101);
    expect((await open(1))[0]).toBe(102);
    client.end();
    expect((await clients.ssh("ada/clock", key, ["rm -r many && echo gone"])).stdout.toString()).toBe("gone\n");
  });

  it("refuses names that are no UTF-8, and what is no file, and waits for nobody at a pipe", async () => {
    const client = await clients.connect("ada/clock", key);
    const raw = await RawSftp.open(client);
    const name = Buffer.from([0x78, 0xff, 0xfe]);
    const [id, none] = [uint32(7), uint32(0)];
    const failure = Buffer.concat([Buffer.from([101]), id, uint32(4)]);
    for (const reply of [
      await raw.ask(3, id, field(name), uint32(0x1a), none),
      await raw.ask(14, id, field(name), none),
      await raw.ask(13, id, field(name)),
      await raw.ask(18, id, field("public"), field(name)),
    ])
      expect(reply.subarray(0, 9)).toEqual(failure);
    expect((await raw.ask(17, id, field("public")))[0]).toBe(105);

    expect((await clients.ssh("ada/clock", key, ["mkfifo pipe && echo made"])).stdout.toString()).toBe("made\n");
    const sftp = await new Promise<SFTPWrapper>((resolve, reject) => client.sftp((error, made) => (error ? reject(error) : resolve(made))));
    const opened = (flags: OpenMode): Promise<Buffer | null> =>
      new Promise((resolve) => sftp.open("pipe", flags, (error, handle) => resolve(error ? null : handle)));
    // Refused at once, or with the first thing that is done with it.
    const [reading, writing] = [await opened("r"), await opened("w")];
    const read = (handle: Buffer): Promise<boolean> => new Promise((resolve) => sftp.read(handle, Buffer.alloc(10), 0, 10, 0, (error) => resolve(!error)));
    const written = (handle: Buffer): Promise<boolean> =>
      new Promise((resolve) => sftp.write(handle, Buffer.from("x"), 0, 1, 0, (error) => sftp.close(handle, (last) => resolve(!(error ?? last)))));
    expect(reading !== null && (await read(reading))).toBe(false);
    expect(writing !== null && (await written(writing))).toBe(false);
    client.end();
    expect((await clients.ssh("ada/clock", key, ["test -p pipe && rm pipe && echo still"])).stdout.toString()).toBe("still\n");
  });

  it("keeps little for a client that asks and never reads", async () => {
    const ran = await clients.ssh("ada/clock", key, ["head -c 50000000 /dev/zero > zeros; echo done"]);
    expect(ran.stdout.toString()).toBe("done\n");
    const before = await residentBytes();
    const client = await clients.connect("ada/clock", key);
    await new Promise<void>((resolve, reject) =>
      client.exec("cat zeros zeros zeros zeros", (error, channel) => {
        if (error) return reject(error);
        channel.pause();
        resolve();
      }),
    );
    // Until nothing more piles up anywhere.
    let last = 0;
    await expect
      .poll(
        async () => {
          const now = await residentBytes();
          const grew = now - last;
          last = now;
          return grew;
        },
        { interval: 500, timeout: 30_000 },
      )
      .toBeLessThan(2_000_000);
    expect(last - before).toBeLessThan(120_000_000);
    client.destroy();
    await works();
  });

  it("closes who has not signed in in time, also while they talk", async () => {
    for (const stayedMs of await lingering) {
      expect(stayedMs).toBeGreaterThan(9_000);
      expect(stayedMs).toBeLessThan(30_000);
    }
  });
});
