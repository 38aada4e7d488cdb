import { readFileSync } from "node:fs";

/** How many files this process may open; Node takes as many as it is allowed to by itself. */
export function openFiles(): number {
  const text = readFileSync("/proc/self/limits", "utf8");
  const hard = /^Max open files\s+\S+\s+(\d+)/m.exec(text)?.[1];
  return hard === undefined ? 1024 : Number(hard);
}
