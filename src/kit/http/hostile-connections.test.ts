import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { endpoint } from "#contract/endpoint.ts";
import { dial as dialDoor, ended, rawGet } from "../../../test/support/raw-request.ts";
import { silentLog } from "../log.ts";
import { mount } from "./mount.ts";
import { createServer } from "./server.ts";
import { mountSocket } from "./socket.ts";

const shape = { method: "GET", summary: "", access: { kind: "anyone" }, status: 200 } as const;
const talk = endpoint({ ...shape, id: "test.talk", path: "/talk", result: { raw: "socket", mediaType: "application/octet-stream" } });
const guarded = endpoint({ ...shape, id: "test.guarded", path: "/guarded", result: z.object({}) });
const slow = endpoint({ ...shape, id: "test.slow", path: "/slow", result: z.object({}) });

let app: ReturnType<typeof createServer>;
let finish: PromiseWithResolvers<void>;
let signals: AbortSignal[];
let guards: number;
beforeEach(async () => {
  guards = 0;
  finish = Promise.withResolvers();
  signals = [];
  app = createServer({ log: silentLog() });
  const at = { app, guard: async () => undefined };
  mountSocket(at, talk, async () => () => undefined);
  const slowGuard = async (): Promise<undefined> => {
    guards += 1;
    await finish.promise;
    return undefined;
  };
  mount({ app, guard: slowGuard }, guarded, async ({ signal }) => {
    signals.push(signal);
    return {};
  });
  mount(at, slow, async ({ signal }) => {
    signals.push(signal);
    await finish.promise;
    return {};
  });
  await app.listen({ host: "127.0.0.1", port: 0 });
});
afterEach(async () => {
  finish.resolve();
  await app.close();
});

const get = (path: string, ...fields: string[]): string => rawGet({ host: "a", path }, ...fields);
const upgrade = (path: string): string => get(path, "Connection: Upgrade", "Upgrade: websocket");

const dial = (text: string): Promise<Socket> => dialDoor({ host: "127.0.0.1", port: (app.server.address() as AddressInfo).port }, text);

function connections(): Promise<number> {
  return new Promise((resolve, reject) => app.server.getConnections((error, count) => (error === null ? resolve(count) : reject(error))));
}

const until = { timeout: 20_000 };

test.each(["/slow", "/healthz", "/nowhere"])("an upgrade behind %s, which is not answered yet, ends that connection and nothing else", async (path) => {
  const socket = await dial(get(path) + upgrade("/talk"));
  await ended(socket);
  expect(app.server.listening).toBe(true);
  const next = await dial(get("/healthz", "Connection: close"));
  expect(String((await once(next, "data"))[0])).toContain("200 OK");
  next.destroy();
});

test.each([
  ["a refused upgrade", upgrade("/nowhere"), "404"],
  ["an upgrade of an ordinary endpoint", upgrade("/healthz"), "200"],
  ["a request to a proxy", "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", "400"],
  ["what is no HTTP", "POST /slow HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "400"],
])("%s is answered, and its connection closes whatever is sent behind it", async (_what, request, status) => {
  const socket = await dial(request);
  expect(String((await once(socket, "data"))[0])).toContain(`HTTP/1.1 ${status} `);
  socket.write("x");
  socket.end();
  await expect.poll(connections, until).toBe(0);
});

test("a connection that cannot be accepted for want of a descriptor ends nothing", () => {
  expect(app.server.emit("error", new Error("accept EMFILE"))).toBe(true);
});

test("a client that stays after its upgrade was refused is not waited for", async () => {
  const socket = await dial(upgrade("/nowhere"));
  await once(socket, "data");
  await expect.poll(connections, until).toBe(0);
  socket.destroy();
});

test("a client that breaks off in the middle of what it should not have asked ends nothing else", async () => {
  for (const text of ["CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", `${get("/slow")}CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n`, upgrade("/talk"), "\0\0"]) {
    for (let index = 0; index < 5; index += 1) (await dial(text)).resetAndDestroy();
  }
  await expect.poll(connections, until).toBe(0);
  finish.resolve();
  expect(app.server.listening).toBe(true);
});

test.each([
  ["goes away", (socket: Socket) => socket.destroy()],
  ["asks for a socket then", (socket: Socket) => socket.write(upgrade("/talk"))],
])("whoever asks several things at once and %s, went away from all of them", async (_what, act) => {
  const socket = await dial(get("/slow").repeat(3));
  await expect.poll(() => signals.length, until).toBe(3);
  act(socket);
  await expect.poll(() => signals.map(({ aborted }) => aborted), until).toEqual([true, true, true]);
});

test("however many things are asked at once on one connection, nothing is said past the log", async () => {
  const warnings: Error[] = [];
  const note = (warning: Error): void => void warnings.push(warning);
  process.on("warning", note);
  onTestFinished(() => void process.off("warning", note));
  const socket = await dial(get("/slow").repeat(30));
  await expect.poll(() => signals.length, until).toBe(30);
  socket.destroy();
  await expect.poll(() => signals.every(({ aborted }) => aborted), until).toBe(true);
  expect(warnings.filter(({ name }) => name === "MaxListenersExceededWarning")).toEqual([]);
});

test("whoever goes away while it is looked at who it is, has gone away for what is done then", async () => {
  const socket = await dial(get("/guarded"));
  await expect.poll(() => guards, until).toBe(1);
  socket.destroy();
  await expect.poll(connections, until).toBe(0);
  finish.resolve();
  await expect.poll(() => signals.map(({ aborted }) => aborted), until).toEqual([true]);
});
