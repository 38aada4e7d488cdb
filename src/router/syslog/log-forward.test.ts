import { createSocket } from "node:dgram";
import { once } from "node:events";
import { expect, test } from "vitest";
import { silentLog } from "#kit/log.ts";
import { LogForward, mostWaitingBytes, parseLogServer } from "./log-forward.ts";

const until = { timeout: 20_000 };

async function logServer() {
  const socket = createSocket("udp4");
  const lines: string[] = [];
  socket.on("message", (message) => void lines.push(message.toString()));
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return { port: socket.address().port, lines, [Symbol.dispose]: () => void socket.close() };
}

test("a log server's name is looked up once for many lines, and those that came before its address was known are sent then", async () => {
  using server = await logServer();
  const found = Promise.withResolvers<{ address: string; family: number }[]>();
  let asked = 0;
  const forward = new LogForward({ protocol: "udp", host: "logs.example.org", port: server.port }, silentLog(), () => {
    asked += 1;
    return found.promise;
  });
  for (let index = 0; index < 20; index += 1) forward.send(`early ${index}`);
  expect(server.lines).toEqual([]);
  found.resolve([
    { address: "::1", family: 6 },
    { address: "127.0.0.1", family: 4 },
  ]);
  await expect.poll(() => server.lines.length, until).toBe(20);
  for (let index = 0; index < 20; index += 1) forward.send(`late ${index}`);
  await expect.poll(() => server.lines.length, until).toBe(40);
  expect([asked, forward.dropped]).toEqual([1, 0]);
  forward.stop();
});

test("what waits for a resolver that is away is bounded, and the rest is counted", () => {
  const forward = new LogForward({ protocol: "udp", host: "logs.example.org", port: 514 }, silentLog(), () => new Promise(() => undefined));
  const line = "x".repeat(64 * 1024);
  const fitting = mostWaitingBytes / line.length;
  for (let index = 0; index < fitting + 10; index += 1) forward.send(line);
  expect(forward.dropped).toBe(10);
  forward.stop();
});

test("a log server may be named by an IPv6 address", () => {
  expect(parseLogServer("udp://[::1]:5514")).toEqual({ protocol: "udp", host: "::1", port: 5514 });
});
