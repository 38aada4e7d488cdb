import { randomBytes } from "node:crypto";
import { mkdir, open, readFile, rename, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import type { z } from "zod";
import { codeOf } from "#kit/jail/descriptor.ts";

// The state folder stands outside of every site and only the platform reaches it: plain paths are safe here.

/** Reads a JSON file of the platform's own; undefined when it is not there. */
export async function readState<S extends z.ZodType>(file: string, schema: S): Promise<z.output<S> | undefined> {
  try {
    return schema.parse(JSON.parse(await readFile(file, "utf8")));
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Writes it whole; on the disk when this resolves. */
export async function writeState(file: string, value: unknown): Promise<void> {
  const draft = `${file}.${randomBytes(6).toString("hex")}.part`;
  try {
    await using handle = await open(draft, "wx", 0o600);
    await handle.writeFile(JSON.stringify(value));
    await handle.sync();
    await rename(draft, file);
  } catch (error) {
    await removeState(draft);
    throw error;
  }
  await syncFolder(dirname(file));
}

/** Removes a file; not there is success. */
export async function removeState(file: string): Promise<void> {
  await unlink(file).catch((error: unknown) => {
    if (codeOf(error) !== "ENOENT") throw error;
  });
}

/** Makes a folder that only the platform can enter. */
export async function makeStateFolder(folder: string): Promise<void> {
  const made = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (made !== undefined) await syncFolder(dirname(made));
}

/** Waits until a folder's entries are on the disk. */
export async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, "r");
  await handle.sync();
}
