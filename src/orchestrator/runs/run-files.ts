import { readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { LogStream } from "#contract/task.ts";
import { codeOf } from "#kit/jail/descriptor.ts";

/** Where the output of runs lies. The names of the files are those of the original. */
export class RunFiles {
  readonly #folders: Readonly<Record<LogStream, string>>;
  readonly #parts: string;

  constructor(options: { readonly stdout: string; readonly stderr: string; readonly parts: string }) {
    this.#folders = { stdout: options.stdout, stderr: options.stderr };
    this.#parts = options.parts;
  }

  /** The output of the newest attempt. */
  log(uid: string, stream: LogStream): string {
    return join(this.#folders[stream], `${uid}_${stream}.log`);
  }

  /** What the names of the pieces of a long output begin with while its run goes on. */
  parts(uid: string, stream: LogStream): string {
    return join(this.#parts, `${uid}_${stream}`);
  }

  /** Moves the output of an earlier attempt out of the way. */
  async keepEarlier(uid: string, attempt: number): Promise<void> {
    for (const stream of ["stdout", "stderr"] as const) await rename(this.log(uid, stream), this.#earlier(uid, stream, attempt)).catch(unlessAbsent);
  }

  /** Deletes everything of a run that had so many attempts. */
  async remove(uid: string, attempts: number): Promise<void> {
    for (const stream of ["stdout", "stderr"] as const) {
      for (let attempt = 1; attempt < attempts; attempt += 1) await rm(this.#earlier(uid, stream, attempt), { force: true });
      await rm(this.log(uid, stream), { force: true });
      await removeParts(this.parts(uid, stream));
    }
  }

  /** Deletes the pieces of a long output, once the finished file has what is kept of them. */
  async removeParts(uid: string): Promise<void> {
    for (const stream of ["stdout", "stderr"] as const) await removeParts(this.parts(uid, stream));
  }

  #earlier(uid: string, stream: LogStream, attempt: number): string {
    return join(this.#folders[stream], `${uid}_${stream}.${attempt}.log`);
  }
}

/** The numbers of the pieces of a long output, in their order. */
export async function listParts(prefix: string): Promise<readonly number[]> {
  const start = `${basename(prefix)}.`;
  const names = await readdir(dirname(prefix));
  return names
    .filter((name) => name.startsWith(start))
    .map((name) => Number(name.slice(start.length)))
    .toSorted((a, b) => a - b);
}

export async function removeParts(prefix: string): Promise<void> {
  for (const index of await listParts(prefix)) await rm(partFile(prefix, index), { force: true });
}

export function partFile(prefix: string, index: number): string {
  return `${prefix}.${index}`;
}

function unlessAbsent(error: unknown): void {
  if (codeOf(error) !== "ENOENT") throw error;
}
