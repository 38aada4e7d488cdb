import { createHash } from "node:crypto";
import { LRUCache } from "lru-cache";
import { parseDocument } from "yaml";
import { Failure } from "#contract/failure.ts";
import { formProblem } from "#contract/script-form.ts";
import { type ScriptManual, scriptManual } from "#contract/task.ts";
import type { Jail } from "#kit/jail/jail.ts";
import { openFile } from "#kit/jail/read-file.ts";

/** A script's manual; without one, or with one that cannot be used, it is empty. */
export interface ReadManual {
  readonly manual: ScriptManual;
  /** What is wrong with the file, in words for its author. */
  readonly problem: string | null;
}

const extensions = [".yaml", ".yml", ".json"] as const;
const maxBytes = 64 * 1024;
/** By what they hold: a key is small whatever the manual's size. What is kept of one weighs about as much as its text. */
const known = new LRUCache<string, ReadManual>({ max: 2_000, maxSize: 8 * 1024 * 1024 });

/** Whether a file is a manual and no script. */
export function isManualName(name: string): boolean {
  return extensions.some((extension) => name.endsWith(extension));
}

/** The names that a script's manual may have: beside `report.sh` these are `report.sh.yaml`, …, `report.yaml`, …. */
export function manualCandidates(script: string): readonly string[] {
  const dot = script.lastIndexOf(".");
  const names = dot > 0 ? [script, script.slice(0, dot)] : [script];
  return names.flatMap((name) => extensions.map((extension) => `${name}${extension}`));
}

/** Reads a manual; what is wrong with it never stands in the way of the script. */
export async function readManual(jail: Jail, path: string): Promise<ReadManual> {
  try {
    using file = openFile(jail, path);
    if (file.size > maxBytes) return problem(`it is larger than ${maxBytes / 1024} KiB`);
    // The bytes decide: a file's times can be set to anything.
    const bytes = await file.read(0, file.size);
    const key = createHash("sha256").update(bytes).digest("base64");
    const found = known.get(key) ?? parseManual(Buffer.from(bytes).toString("utf8"));
    known.set(key, found, { size: bytes.length + 1 });
    return found;
  } catch (error) {
    if (error instanceof Failure) return problem(error.message);
    throw error;
  }
}

/** JSON is YAML too. */
export function parseManual(text: string): ReadManual {
  let value: unknown;
  try {
    const document = parseDocument(text, { logLevel: "silent", uniqueKeys: true });
    const [error] = document.errors;
    if (error !== undefined) return problem(error.message.split("\n")[0] ?? "it is no YAML");
    // A few aliases are convenient; many of them make much out of little.
    value = document.toJS({ maxAliasCount: 20 });
  } catch (error) {
    return problem(error instanceof Error ? error.message : "it is no YAML");
  }
  const parsed = scriptManual.safeParse(value ?? {});
  if (parsed.success) {
    // A form that nobody could send off is said where it is listed, and not to whoever has filled it in.
    const wrong = formProblem(parsed.data);
    return wrong === null ? { manual: parsed.data, problem: null } : problem(wrong);
  }
  const lines = parsed.error.issues.slice(0, 3).map((issue) => `${issue.path.length === 0 ? "the whole" : issue.path.join(".")}: ${issue.message}`);
  return problem(lines.join("; "));
}

function problem(reason: string): ReadManual {
  return { manual: {}, problem: `The manual cannot be used: ${reason}.` };
}
