import { closeSync, openSync, readFileSync } from "node:fs";

const exhausted = new Set(["EMFILE", "ENFILE"]);
let spare: number | null = null;
keepSpare();

/**
 * Reads a small file of /proc or of a control group, also in a moment in which this process has no descriptor left: one is kept for that. What is not
 * known of a program then would be taken for its end.
 */
export function readWithSpare(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (spare === null || !(error instanceof Error && "code" in error && exhausted.has(String(error.code)))) throw error;
    closeSync(spare);
    try {
      return readFileSync(path, "utf8");
    } finally {
      keepSpare();
    }
  }
}

function keepSpare(): void {
  try {
    spare = openSync("/dev/null", "r");
  } catch {
    // Another thread was quicker, and there is none again.
    spare = null;
  }
}
