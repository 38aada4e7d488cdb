import { readdir, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { LogStream } from "#contract/task.ts";
import { type OutputFile, outputIn, removeOutput, renameOutput } from "./output-file.ts";

/** Where the output of runs lies. The names of the files are those of the original. */
export class RunFiles {
  readonly #folders: Readonly<Record<LogStream, OutputFile>>;
  readonly #parts: string;

  constructor(options: { readonly stdout: OutputFile; readonly stderr: OutputFile; readonly parts: string }) {
    this.#folders = { stdout: options.stdout, stderr: options.stderr };
    this.#parts = options.parts;
  }

  /** The output of the newest attempt. */
  log(uid: string, stream: LogStream): OutputFile {
    return outputIn(this.#folders[stream], `${uid}_${stream}.log`);
  }

  /** What the names of the pieces of a long output begin with while its run goes on. */
  parts(uid: string, stream: LogStream): string {
    return join(this.#parts, `${uid}_${stream}`);
  }

  /** Moves the output of an earlier attempt out of the way. */
  keepEarlier(uid: string, attempt: number): void {
    for (const stream of ["stdout", "stderr"] as const) renameOutput(this.log(uid, stream), earlierName(uid, stream, attempt));
  }

  /** Deletes everything of a run that had so many attempts. */
  async remove(uid: string, attempts: number): Promise<void> {
    for (const stream of ["stdout", "stderr"] as const) {
      for (let attempt = 1; attempt < attempts; attempt += 1) removeOutput(outputIn(this.#folders[stream], earlierName(uid, stream, attempt)));
      removeOutput(this.log(uid, stream));
      await removeParts(this.parts(uid, stream));
    }
  }

  /** Deletes the pieces of a long output, once the finished file has what is kept of them. */
  async removeParts(uid: string): Promise<void> {
    for (const stream of ["stdout", "stderr"] as const) await removeParts(this.parts(uid, stream));
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

function earlierName(uid: string, stream: LogStream, attempt: number): string {
  return `${uid}_${stream}.${attempt}.log`;
}
