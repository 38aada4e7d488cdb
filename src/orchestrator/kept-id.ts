import { randomUUID } from "node:crypto";
import { link, open, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { codeOf } from "#kit/jail/descriptor.ts";
import { syncFolder } from "./sites/write-durably.ts";

const kept = z.object({ id: z.string().regex(/^[a-z0-9-]{1,64}$/) });

/** The id that a file of a folder keeps, made at the first start and the same ever after. Several processes that begin at once agree. */
export async function keptId(folder: string, name: string, make: () => string | Promise<string> = randomUUID): Promise<string> {
  const file = join(folder, name);
  const known = await readId(file);
  if (known !== null) return known;
  const temporary = `${file}.${randomUUID()}`;
  await using handle = await open(temporary, "wx", 0o600);
  try {
    await handle.writeFile(`${JSON.stringify({ id: await make() })}\n`);
    await handle.sync();
    // Unlike a rename, a link leaves what another process has put there first.
    await link(temporary, file).catch((error: unknown) => {
      if (codeOf(error) !== "EEXIST") throw error;
    });
  } finally {
    await rm(temporary, { force: true });
  }
  await syncFolder(folder);
  const written = await readId(file);
  if (written === null) throw new Error(`${file} cannot be read`);
  return written;
}

async function readId(file: string): Promise<string | null> {
  try {
    return kept.parse(JSON.parse(await readFile(file, "utf8"))).id;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
    throw error;
  }
}
