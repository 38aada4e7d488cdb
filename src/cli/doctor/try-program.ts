import { spawn } from "node:child_process";

/** What came of running a program to see whether it works. */
export interface Trial {
  /** Whether it ended with 0. */
  readonly isFine: boolean;
  /** Whether there is such a program at all. */
  readonly isThere: boolean;
  /** The first line that it wrote, on either stream. */
  readonly firstLine: string;
}

/** Runs a program for a moment; it never throws. */
export function tryProgram(file: string, args: readonly string[], timeoutMs = 5000): Promise<Trial> {
  return new Promise((resolve) => {
    const child = spawn(file, args, { stdio: ["ignore", "pipe", "pipe"], timeout: timeoutMs, killSignal: "SIGKILL" });
    let text = "";
    const take = (chunk: Buffer): void => {
      if (text.length < 4096) text += chunk.toString("utf8");
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    // EACCES: a folder of the search path that this user may not look into.
    const isMissing = ({ code = "" }: NodeJS.ErrnoException): boolean => ["ENOENT", "EACCES"].includes(code);
    child.once("error", (error) => resolve({ isFine: false, isThere: !isMissing(error), firstLine: error.message }));
    child.once("close", (code) => resolve({ isFine: code === 0, isThere: true, firstLine: text.trim().split("\n")[0] ?? "" }));
  });
}
