import { spawn } from "node:child_process";

/** What a program of the machine said. */
export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const keptBytes = 256 * 1024;

/** Runs a program with an empty environment and waits for it; a failure to start it counts as code null. */
export function runCommand(argv: readonly string[], options: { readonly input?: string; readonly timeoutMs?: number } = {}): Promise<CommandResult> {
  const [file = "", ...rest] = argv;
  return new Promise((resolve) => {
    const limits = { timeout: options.timeoutMs ?? 15_000, killSignal: "SIGKILL" as const };
    const child = spawn(file, rest, { env: {}, stdio: ["pipe", "pipe", "pipe"], ...limits });
    child.once("error", (error) => resolve({ code: null, stdout: "", stderr: error.message }));
    // Where no descriptor is left there are no pipes, whatever the types say; the error comes a moment later.
    if (child.stdin === undefined) return;
    const texts = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (text: string) => {
        if (texts[name].length < keptBytes) texts[name] += text;
      });
    }
    // A program that ends without reading its input is judged by its code.
    child.stdin.on("error", () => child.stdin.destroy());
    child.stdin.end(options.input ?? "");
    child.once("close", (code) => resolve({ code, ...texts }));
  });
}

/** Like runCommand, for what has to succeed. */
export async function mustRun(argv: readonly string[], options: { readonly input?: string; readonly timeoutMs?: number } = {}): Promise<string> {
  const result = await runCommand(argv, options);
  if (result.code !== 0) throw new Error(`${argv[0]} ended with ${result.code}: ${result.stderr.trim().slice(0, 500)}`);
  return result.stdout;
}
