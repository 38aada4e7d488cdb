import { readFile } from "node:fs/promises";

/** The version of this Backlot, as its package says. */
export async function readVersion(): Promise<string> {
  const file = new URL("../../package.json", import.meta.url);
  const parsed: unknown = JSON.parse(await readFile(file, "utf8"));
  return typeof parsed === "object" && parsed !== null && "version" in parsed ? String(parsed.version) : "unknown";
}
