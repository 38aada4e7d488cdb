import { execFileSync } from "node:child_process";
import { chownSync, rmSync } from "node:fs";

const nobodysId = 54_322;

/**
 * Does something as a user whom permissions bind, who owns the folder from now on. As root the process is another user meanwhile, all its
 * threads; an ordinary user is that already.
 */
export async function asOrdinaryUser(folder: string, act: () => Promise<void>): Promise<void> {
  if (process.geteuid?.() !== 0 || process.seteuid === undefined) return act();
  chownSync(folder, nobodysId, nobodysId);
  process.seteuid(nobodysId);
  try {
    await act();
  } finally {
    process.seteuid(0);
  }
}

/** Removes a folder in which folders may be shut to their own owner. */
export function removeShut(folder: string): void {
  execFileSync("chmod", ["-R", "u+rwx", folder]);
  rmSync(folder, { recursive: true });
}
