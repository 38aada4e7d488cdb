import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { z } from "zod";

const ready = z.object({ type: z.literal("ready"), url: z.string() });
const usage = z.object({ type: z.literal("usage"), cpuMicros: z.number(), residentBytes: z.number() });

/** A program under measurement, in a process of its own. */
export interface BenchChild extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  /** Processor time that it has used since it began, and its memory now. */
  usage(): Promise<{ readonly cpuMicros: number; readonly residentBytes: number }>;
}

/** Starts `bench/support/<name>.ts` and waits until it says where it listens. */
export async function startBenchChild(name: string, args: readonly string[] = []): Promise<BenchChild> {
  const child = fork(fileURLToPath(new URL(`./${name}.ts`, import.meta.url)), args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const { url } = ready.parse(await next(child));
  return {
    url,
    pid: child.pid ?? 0,
    usage: async () => {
      child.send("usage");
      return usage.parse(await next(child));
    },
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null) return;
      child.kill();
      await once(child, "exit");
    },
  };
}

async function next(child: ChildProcess): Promise<unknown> {
  const gone = once(child, "exit").then(([code]) => {
    throw new Error(`the program ended with ${code}`);
  });
  gone.catch(() => undefined);
  const [message] = await Promise.race([once(child, "message"), gone]);
  return message;
}

/** Called inside such a program: tells where it listens, and answers for its use of the machine. */
export function announceBenchChild(url: string): void {
  process.on("message", (message) => {
    if (message !== "usage") return;
    const { user, system } = process.cpuUsage();
    process.send?.({ type: "usage", cpuMicros: user + system, residentBytes: process.memoryUsage().rss });
  });
  process.on("disconnect", () => process.exit(0));
  process.send?.({ type: "ready", url });
}
