import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { checkout } from "./backlot.ts";

/** What came of a command. */
export interface CliRun {
  readonly exitCode: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs the real `backlot` as a person's shell would, with a home folder of its own. */
export async function runBacklot(
  argv: readonly string[],
  options: { readonly home: string; readonly server: string; readonly token?: string; readonly input?: string; readonly cwd?: string },
): Promise<CliRun> {
  const child = spawn(process.execPath, [join(checkout, "bin/backlot.mjs"), ...argv], {
    cwd: options.cwd ?? options.home,
    env: {
      PATH: process.env.PATH,
      HOME: options.home,
      BACKLOT_SERVER: options.server,
      ...(options.token === undefined ? {} : { BACKLOT_TOKEN: options.token }),
    },
    stdio: ["pipe", "pipe", "pipe"],
  });
  // A command that ends without reading its input is no error of the test.
  child.stdin.on("error", () => undefined);
  child.stdin.end(options.input ?? "");
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  const [out, err, exitCode] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { exitCode, out, err };
}

/** A command that has to succeed; what it said otherwise is the error. */
export async function done(running: Promise<CliRun>): Promise<CliRun> {
  const run = await running;
  if (run.exitCode !== 0) throw new Error(`the command ended with ${run.exitCode}: ${run.err}${run.out}`);
  return run;
}
