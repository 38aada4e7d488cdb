import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { z } from "zod";

const ready = z.object({ url: z.string() });

/** A program under measurement, in a process of its own. */
export interface BenchChild extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
}

/** Starts `bench/support/<name>.ts` and waits until it says where it listens. */
export async function startBenchChild(name: string, args: readonly string[] = []): Promise<BenchChild> {
  const child = fork(fileURLToPath(new URL(`./${name}.ts`, import.meta.url)), args, {
    execArgv: ["--no-deprecation"],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const exited = once(child, "exit");
  const gone = exited.then(([code]) => {
    throw new Error(`${name} ended with ${code}`);
  });
  gone.catch(() => undefined);
  const [message] = (await Promise.race([once(child, "message"), gone])) as [unknown];
  return {
    url: ready.parse(message).url,
    pid: child.pid ?? 0,
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await exited;
    },
  };
}

/** Called inside such a program: tells where it listens, and ends it with its parent. */
export function announceBenchChild(url: string): void {
  process.on("disconnect", () => process.exit(0));
  process.send?.({ url });
}
