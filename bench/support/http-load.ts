// A load generator on plain sockets. autocannon spends more time on a request than a fast proxy does, so that on two cores
// it would measure itself; this one only counts bytes, which is enough for answers of one known length.
import { once } from "node:events";
import { createConnection, type Socket } from "node:net";

/** What to ask, of whom, for how long. */
export interface LoadPlan {
  readonly url: string;
  readonly host: string;
  readonly path: string;
  readonly connections: number;
  readonly seconds: number;
}

/** What came of it. */
export interface LoadResult {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers other than 200, and connections that broke. */
  readonly failures: number;
}

interface Tally {
  readonly latencies: number[];
  failures: number;
  isOver: boolean;
}

/** Keeps every connection busy with one request after the other. All answers have to have one length. */
export async function runLoad(plan: LoadPlan): Promise<LoadResult> {
  const { hostname, port } = new URL(plan.url);
  const request = Buffer.from(`GET ${plan.path} HTTP/1.1\r\nHost: ${plan.host}\r\nUser-Agent: wrk\r\nAccept: */*\r\n\r\n`);
  const tally: Tally = { latencies: [], failures: 0, isOver: false };
  const sockets = await Promise.all(
    Array.from({ length: plan.connections }, async () => {
      const socket = createConnection({ host: hostname, port: Number(port), noDelay: true });
      await once(socket, "connect");
      return socket;
    }),
  );
  const startedAt = performance.now();
  for (const socket of sockets) ask(socket, request, tally);
  await new Promise((resolve) => setTimeout(resolve, plan.seconds * 1000));
  tally.isOver = true;
  const seconds = (performance.now() - startedAt) / 1000;
  for (const socket of sockets) socket.destroy();
  const sorted = Float64Array.from(tally.latencies).sort();
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { requests: sorted.length, requestsPerSecond: sorted.length / seconds, p50Ms: at(0.5), p99Ms: at(0.99), failures: tally.failures };
}

function ask(socket: Socket, request: Buffer, tally: Tally): void {
  let sentAt = performance.now();
  let length = 0;
  let received = 0;
  socket.on("data", (chunk: Buffer) => {
    if (tally.isOver) return;
    if (received === 0 && length === 0) length = answerLength(chunk);
    if (received === 0 && chunk.toString("latin1", 9, 12) !== "200") tally.failures += 1;
    received += chunk.length;
    if (received < length) return;
    received = 0;
    const now = performance.now();
    tally.latencies.push(now - sentAt);
    sentAt = now;
    socket.write(request);
  });
  socket.on("close", () => {
    if (!tally.isOver) tally.failures += 1;
  });
  socket.on("error", () => socket.destroy());
  socket.write(request);
}

// Of the first answer; the head has to come in one piece, which it does on one machine.
function answerLength(chunk: Buffer): number {
  const head = chunk.indexOf("\r\n\r\n");
  const length = /content-length: (\d+)/i.exec(chunk.toString("latin1", 0, head))?.[1];
  if (head === -1 || length === undefined) throw new Error("the answer does not tell its length");
  return head + 4 + Number(length);
}
