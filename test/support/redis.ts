// A real redis-server on a socket in a temporary folder, for the tests of whatever shares by it.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Redis } from "ioredis";

/** A Redis of one's own. */
export interface TestRedis extends AsyncDisposable {
  /** What REDIS_URL takes. */
  readonly url: string;
  /** A connection to look at what is there and to do harm. */
  readonly client: Redis;
  readonly pid: number;
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>;
  /** Starts it again after `kill`, empty. */
  restart(): Promise<void>;
}

/** Starts a Redis without anything on disk. */
export async function startRedis(): Promise<TestRedis> {
  const folder = await mkdtemp(path.join(tmpdir(), "backlot-redis-"));
  const url = path.join(folder, "redis.sock");
  let child = await launch(folder, url);
  const client = new Redis(url, { protocol: 2, retryStrategy: () => 20, maxRetriesPerRequest: null });
  client.on("error", () => undefined);
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  };
  return {
    url,
    client,
    get pid() {
      return child.pid ?? 0;
    },
    kill,
    restart: async () => {
      child = await launch(folder, url);
    },
    [Symbol.asyncDispose]: async () => {
      client.disconnect();
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function launch(folder: string, socket: string): Promise<ChildProcess> {
  const args = ["--port", "0", "--unixsocket", socket, "--dir", folder, "--save", "", "--appendonly", "no", "--daemonize", "no"];
  const child = spawn("redis-server", args, { stdio: ["ignore", "pipe", "ignore"] });
  await once(child, "spawn");
  const { stdout } = child;
  let text = "";
  for await (const chunk of stdout) {
    text += String(chunk);
    if (text.includes("ready to accept connections") || text.includes("Ready to accept connections")) break;
  }
  stdout.resume();
  return child;
}
