import { access, rm } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomically } from "./atomic-file.ts";

/** Where every public door is, for the CLI and for tests: there exactly while all of them are open. */
export async function writeEndpoints(dataFolder: string, doors: Readonly<Record<string, string>>): Promise<void> {
  await writeFileAtomically(pathOf(dataFolder), `${JSON.stringify(doors, null, 2)}\n`, 0o644);
}

/** Removes the file; absent is success. */
export async function removeEndpoints(dataFolder: string): Promise<void> {
  await rm(pathOf(dataFolder), { force: true });
}

/** Whether the doors are open, as far as the file says. */
export async function hasEndpoints(dataFolder: string): Promise<boolean> {
  return access(pathOf(dataFolder)).then(
    () => true,
    () => false,
  );
}

function pathOf(dataFolder: string): string {
  return join(dataFolder, "endpoints.json");
}
