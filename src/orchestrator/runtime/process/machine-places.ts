import { accessSync, constants, lstatSync, mkdirSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Whose files these are. */
export interface Installation {
  readonly installation: string;
  readonly stateFolder: string;
}

export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** Files that launchers have to reach, whatever user they are. */
export function viewFolder(of: Installation): string {
  return isRoot() && isWritable("/run") ? `/run/backlot-${of.installation}` : join(of.stateFolder, "view");
}

/** Unix sockets of relays: their paths may have at most 107 bytes, which a state folder can exceed. */
export function socketFolder(of: Installation): string {
  return isRoot() && isWritable("/run") ? `/run/backlot-${of.installation}/sockets` : join(tmpdir(), `backlot-${process.getuid?.()}-${of.installation}`);
}

/** Makes the folder of the sockets; one in /tmp that somebody else has made is refused. */
export function makeSocketFolder(of: Installation): string {
  const folder = socketFolder(of);
  mkdirSync(folder, { recursive: true, mode: isRoot() ? 0o711 : 0o700 });
  const found = lstatSync(folder);
  if (!found.isDirectory() || found.uid !== process.getuid?.() || (found.mode & 0o022) !== 0) throw new Error(`${folder} belongs to somebody else`);
  return folder;
}

/** For files that exist for a moment: in memory where possible, since they hold the sites' variables, which may be secrets. */
export function scratchFolder(of: Installation): string {
  try {
    return realpathSync("/dev/shm");
  } catch {
    return of.stateFolder; // not every container has one
  }
}

/** The pipes of programs that nurseries start; nobody else comes into it. */
export function nurseryFolder(of: Installation): string {
  return join(scratchFolder(of), `backlot-${process.getuid?.()}-${of.installation}-nurseries`);
}

// Root, too, cannot write to the read-only root of a container.
function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
