import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

/** Something that a person has to mend before Backlot can start; the message says what. */
export class PreparationError extends Error {}

/** Runs a program by argv; its output is kept and given back, for when it fails. */
export function run(program, args, options = {}) {
  const result = spawnSync(program, args, { stdio: ["ignore", "pipe", "pipe"], encoding: "utf8", maxBuffer: 64 * 1024 * 1024, ...options });
  const output = `${result.stdout ?? ""}${result.stderr ?? ""}${result.error === undefined ? "" : `${result.error.message}\n`}`;
  return { succeeded: result.status === 0, output };
}

/** The Node that npm installed beside the packages, which runs them; this one where there is none. */
export function pinnedNode(root) {
  const node = join(root, "node_modules", `node-${process.platform}-${process.arch}`, "bin", "node");
  return existsSync(node) ? node : process.execPath;
}

/** One line that says what is going on, finished with the time that it took. */
export function step(title, work) {
  const startedAt = Date.now();
  process.stdout.write(`${title} … `);
  let isDone = false;
  try {
    const result = work();
    isDone = true;
    return result;
  } finally {
    process.stdout.write(isDone ? `${((Date.now() - startedAt) / 1000).toFixed(1)} s\n` : "failed\n");
  }
}

/** The end of a long output: where programs say what went wrong. */
export function lastLines(output, count = 25) {
  return output.trimEnd().split("\n").slice(-count).join("\n");
}
