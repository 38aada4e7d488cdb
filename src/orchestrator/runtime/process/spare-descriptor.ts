import { closeSync, openSync, readFileSync } from "node:fs";

const exhausted = new Set(["EMFILE", "ENFILE"]);
let spare: number | null = null;
keepSpare();

/**
 * Reads a small file of /proc or of a control group, also in a moment in which this process has no descriptor left: one is kept for that. What is not
 * known of a program then would be taken for its end.
 */
export function readWithSpare(path: string): string {
  return withSpare(() => readFileSync(path, "utf8"));
}

/** The same for anything else that takes one descriptor and gives it back at once. */
export function withSpare<T>(act: () => T): T {
  // Another thread was quicker when it was last given up.
  if (spare === null) keepSpare();
  try {
    return act();
  } catch (error) {
    if (spare === null || !isExhausted(error)) throw error;
    closeSync(spare);
    spare = null;
    try {
      return act();
    } finally {
      keepSpare();
    }
  }
}

/** Does something that may find no descriptor, not even the spare one; `otherwise` is for that moment. */
export function unlessExhausted<T>(act: () => T, otherwise: () => T): T {
  try {
    return act();
  } catch (error) {
    if (isExhausted(error)) return otherwise();
    throw error;
  }
}

export function isExhausted(error: unknown): boolean {
  return error instanceof Error && "code" in error && exhausted.has(String(error.code));
}

function keepSpare(): void {
  try {
    spare = openSync("/dev/null", "r");
  } catch {
    // There is none again: the next who needs it tries again.
    spare = null;
  }
}
