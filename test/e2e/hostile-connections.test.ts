import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Backlot, startBacklot } from "../support/backlot.ts";
import { type OrchestratorProcess, spawnOrchestrator } from "../support/orchestrator-process.ts";
import { makeOrchestratorHome, type OrchestratorHome } from "../support/orchestrator-under-test.ts";

const until = { timeout: 60_000 };
let backlot: Backlot;
let home: OrchestratorHome;
let orchestrator: OrchestratorProcess;
beforeAll(async () => {
  backlot = await startBacklot();
  home = await makeOrchestratorHome();
  orchestrator = await spawnOrchestrator(home);
}, 180_000);
afterAll(async () => {
  await orchestrator?.[Symbol.asyncDispose]();
  await home?.[Symbol.asyncDispose]();
  await backlot?.[Symbol.asyncDispose]();
});

const get = (path: string, ...fields: string[]): string => [`GET ${path} HTTP/1.1`, "Host: a", ...fields, "", ""].join("\r\n");
const upgrade = get("/", "Connection: Upgrade", "Upgrade: websocket");
const doors = () => ({ router: backlot.router, manager: backlot.manager, orchestrator: orchestrator.url });

/** Ports that we called from: the platform's own parts call each other too. */
const dialled = new Set<number>();

async function dial(door: string): Promise<Socket> {
  const { hostname, port } = new URL(door);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.on("error", () => undefined);
  await once(socket, "connect");
  dialled.add(socket.localPort ?? 0);
  return socket;
}

/** Processes of ours that run Node; one that was started again has another number. */
function servers(): readonly number[] {
  const mine = backlot.processes().filter(({ command }) => /\/node\b.* run /.test(command));
  return mine.map(({ pid }) => pid).toSorted((a, b) => a - b);
}

/** Connections of ours that the server at this port still holds. */
function heldAt(door: string): number {
  const port = Number(new URL(door).port).toString(16).toUpperCase().padStart(4, "0");
  const rows = ["tcp", "tcp6"].flatMap((name) => readFileSync(`/proc/net/${name}`, "utf8").trim().split("\n").slice(1));
  return rows.filter((row) => {
    const [, local = "", remote = "", , , , , , , inode] = row.trim().split(/\s+/);
    // Without an inode it is one that only the kernel remembers.
    return local.endsWith(`:${port}`) && inode !== "0" && dialled.has(Number.parseInt(remote.split(":").at(-1) ?? "", 16));
  }).length;
}

const answers = async (door: string): Promise<boolean> => (await fetch(door, { headers: { connection: "close" }, redirect: "manual" })).status < 600;

test.each(["router", "manager", "orchestrator"] as const)("one packet with an upgrade behind a request ends no %s", async (name) => {
  const before = servers();
  const door = doors()[name];
  const socket = await dial(door);
  socket.end(get("/") + upgrade);
  await once(socket.resume(), "close");
  expect(await answers(door)).toBe(true);
  expect(servers()).toEqual(before);
});

/** Numbers that look random and are the same in every run (mulberry32). */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const pieces = [
  ...[get("/"), get("/api/v1/session"), get("/metrics"), get("/", "Connection: close"), get("/a%00b"), get("http://a/x"), get("//"), get("*")],
  ...[
    upgrade,
    get("/api/v1/events", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"),
    get("/", "Connection: Upgrade", "Upgrade: h2c"),
  ],
  "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\n\r\nhello",
  "POST /api/v1/session HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
  "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
  "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
  "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n",
  "POST / HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\nContent-Length: 0\r\n\r\n",
  "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n",
  "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  "GET / HTTP/1.0\r\n\r\n",
  "GET / HTTP/1.1\r\n\r\n",
  "GET / HTTP/9.9\r\nHost: a\r\n\r\n",
  `GET / HTTP/1.1\r\nHost: ${"h".repeat(20_000)}\r\n\r\n`,
  "\0\u0001\u0016\u0003\u0001",
  "\r\n\r\n\r\n",
];

/** One connection: some pieces, cut anywhere into packets, left in one of several ways. */
async function assault(door: string, below: (most: number) => number): Promise<void> {
  let text = "";
  for (let count = 1 + below(4); count > 0; count -= 1) text += pieces[below(pieces.length)];
  if (below(4) === 0) text = text.slice(0, below(text.length) + 1);
  const cut = below(3) === 0 ? below(text.length) : text.length;
  const [waits, leaving] = [below(3) === 0, below(3)];
  const socket = await dial(door);
  socket.resume().setTimeout(300, () => socket.destroy());
  socket.write(text.slice(0, cut), "latin1");
  if (cut < text.length) setImmediate(() => socket.writable && socket.write(text.slice(cut), "latin1"));
  if (waits) await new Promise((resolve) => setTimeout(resolve, 5));
  if (leaving === 0) socket.resetAndDestroy();
  else if (leaving === 1) socket.end();
  if (!socket.closed) await once(socket, "close");
}

test("hundreds of connections that send whatever they like end no process and leave nothing open", async () => {
  const before = servers();
  expect(before.length).toBeGreaterThan(1);
  const below = numbers(20_261_122);
  for (const door of Object.values(doors())) {
    for (let round = 0; round < 6; round += 1) await Promise.all(Array.from({ length: 25 }, () => assault(door, below)));
    expect(await answers(door)).toBe(true);
    await expect.poll(() => heldAt(door), until).toBe(0);
  }
  expect(servers()).toEqual(before);
}, 180_000);
