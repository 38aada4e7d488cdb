import { createSocket } from "node:dgram";
import { mkdtemp, rm } from "node:fs/promises";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { silentLog } from "#kit/log.ts";
import { freePort } from "../../../test/support/site-program.ts";
import { LogReceiver } from "./log-receiver.ts";

test("a datagram that cannot be dealt with is refused, and the next one is taken", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "backlot-receiver-"));
  const port = await freePort();
  const taken: string[] = [];
  const receiver = new LogReceiver({
    socket: path.join(folder, "log.sock"),
    datagrams: { host: "127.0.0.1", port },
    onMessage: (_message, raw) => {
      if (raw.endsWith("bad")) throw new RangeError("no time");
      taken.push(raw);
    },
    log: silentLog(),
  });
  await receiver.start();
  const sender = createSocket("udp4");
  for (const text of ["bad", "good"]) sender.send(`<14>1 2026-01-01T00:00:00Z host haproxy 1 - - ${text}`, port, "127.0.0.1");
  await expect.poll(() => [taken.length, receiver.refused], { timeout: 20_000, interval: 10 }).toEqual([1, 1]);
  sender.close();
  await receiver.stop();
  await rm(folder, { recursive: true });
});

test("lines of a stream are read in turns, and what was sent before the end is read before it", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "backlot-receiver-"));
  const socket = path.join(folder, "log.sock");
  const taken: string[] = [];
  const receiver = new LogReceiver({ socket, datagrams: null, onMessage: ({ text }) => void taken.push(text), log: silentLog() });
  await receiver.start();
  const sender = createConnection(socket);
  const send = (text: string): Promise<void> => {
    const line = `<14>1 2026-01-01T00:00:00Z host haproxy 1 - - ${text}`;
    return new Promise((resolve) => sender.write(`${Buffer.byteLength(line)} ${line}`, () => resolve()));
  };
  await send("first");
  await expect.poll(() => taken, { timeout: 20_000, interval: 1 }).toEqual(["first"]);
  for (let round = 0; round < 3; round += 1) await send(`zw\u00f6lf ${round}`);
  await receiver.stop();
  expect(taken).toEqual(["first", "zw\u00f6lf 0", "zw\u00f6lf 1", "zw\u00f6lf 2"]);
  sender.destroy();
  await rm(folder, { recursive: true });
});

test("what waits in masses is read without a rest: the sender would have to drop it", { timeout: 20_000 }, async () => {
  // A rest would last for ever.
  vi.useFakeTimers({ toFake: ["setTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  const folder = await mkdtemp(path.join(tmpdir(), "backlot-receiver-"));
  const socket = path.join(folder, "log.sock");
  const all = Promise.withResolvers<void>();
  let taken = 0;
  const onMessage = (): void => {
    taken += 1;
    if (taken === 20_000) all.resolve();
  };
  const receiver = new LogReceiver({ socket, datagrams: null, onMessage, log: silentLog() });
  await receiver.start();
  const line = `<14>1 2026-01-01T00:00:00Z host haproxy 1 - - ${"x".repeat(200)}`;
  const sender = createConnection(socket);
  sender.write(`${line.length} ${line}`.repeat(20_000));
  await all.promise;
  sender.destroy();
  await receiver.stop();
  await rm(folder, { recursive: true });
});
