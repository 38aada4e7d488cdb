// What nobody should send to the SSH door: it lives, stays small, and nobody else notices.
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Backlot, startBacklot } from "../support/backlot.ts";
import { has, SshClients } from "../support/ssh-clients.ts";

let folder: string;
let backlot: Backlot;
let clients: SshClients;
let key: string;
/** How long somebody was let who says nothing, and somebody who only greets, in milliseconds: begun first, so that nobody waits for it. */
let lingering: Promise<readonly number[]>;

const knock = (): Socket => connect({ host: clients.host, port: Number(clients.port) }).on("error", () => undefined);
const closed = (socket: Socket): Promise<unknown> => (socket.destroyed ? Promise.resolve() : once(socket, "close"));
/** Greets so and says nothing more until it is put out; how long that took. */
async function linger(greeting: string): Promise<number> {
  const socket = knock();
  socket.resume();
  if (greeting !== "") socket.write(greeting);
  const before = performance.now();
  await closed(socket);
  return performance.now() - before;
}
const works = async (): Promise<void> => {
  expect((await clients.ssh("ada/clock", key, ["echo fine"])).stdout.toString()).toBe("fine\n");
};
const residentBytes = async (): Promise<number> => {
  const pids = backlot.processes().map(({ pid }) => pid);
  const sizes = await Promise.all(
    pids.map(async (pid) => Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, "utf8").catch(() => ""))?.[1] ?? 0)),
  );
  return sizes.reduce((sum, size) => sum + size, 0) * 1024;
};

describe.skipIf(!has("ssh"))("the SSH door", () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "backlot-ssh-bad-"));
    backlot = await startBacklot({
      environment: {
        BACKLOT_SSH_FAILURE_DELAY_MS: "20",
        BACKLOT_SSH_SIGN_IN_SECONDS: "10",
        BACKLOT_SSH_CONNECTIONS_PER_ADDRESS: "30",
        BACKLOT_SSH_ATTEMPTS: "3",
      },
    });
    clients = new SshClients(folder, backlot);
    lingering = Promise.all(["", "SSH-2.0-OpenSSH_9.2\r\n"].map(linger));
    const ada = await backlot.addPerson("ada");
    await ada.createSite("clock", "static");
    key = (await clients.addKey(ada)).file;
  });
  afterAll(async () => {
    await backlot?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
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
    const bytes = [
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
    await works();
  });

  it("refuses a thousand connections beyond its limits, and is there for others again as soon as they have gone", async () => {
    const before = await residentBytes();
    const sockets = Array.from({ length: 1_000 }, () => {
      const socket = knock();
      socket.resume();
      return socket;
    });
    const open = (): number => sockets.filter(({ destroyed }) => !destroyed).length;
    await expect.poll(open, { timeout: 20_000 }).toBeLessThanOrEqual(30);
    expect((await residentBytes()) - before).toBeLessThan(150_000_000);
    for (const socket of sockets) socket.destroy();
    await expect.poll(async () => (await clients.ssh("ada/clock", key, ["echo fine"])).stdout.toString(), { timeout: 10_000 }).toBe("fine\n");
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
