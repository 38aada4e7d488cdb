import { createHash } from "node:crypto";
import { accessSync, chownSync, constants, readFileSync } from "node:fs";
import { chmod, lstat, mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { ConfigError } from "#kit/config.ts";

/** Whom HAProxy and nginx run as. */
export interface EdgeUser {
  readonly uid: number;
  readonly gid: number;
}

/** The user of the edge's programs: null when this process is not root, and they have to be the same as it. */
export function edgeUser(name: string | undefined): EdgeUser | null {
  if (process.getuid?.() !== 0) return null;
  const users = new Map(
    readFileSync("/etc/passwd", "utf8")
      .split("\n")
      .map((line) => line.split(":"))
      .map(([user = "", , uid, gid]) => [user, { uid: Number(uid), gid: Number(gid) }] as const),
  );
  const found = name === undefined ? (users.get("haproxy") ?? users.get("www-data") ?? users.get("nobody")) : users.get(name);
  if (found === undefined || !(found.uid > 0)) throw new ConfigError([`BACKLOT_EDGE_USER: there is no user ${name ?? "nobody"} with fewer rights than root`]);
  return found;
}

/**
 * A folder for the sockets and files of the edge: the same for every start on the same data, with a name short enough for sockets and of
 * characters that mean nothing to anyone. Its programs may enter it, and nobody may list it.
 */
export async function prepareRunFolder(data: string, user: EdgeUser | null): Promise<string> {
  const parent = user !== null && isWritable("/run") ? "/run" : tmpdir();
  const folder = path.join(parent, `backlot-edge-${createHash("sha256").update(path.resolve(data)).digest("hex").slice(0, 16)}`);
  if (!/^[\w./+-]{1,80}$/.test(folder))
    throw new ConfigError([`TMPDIR: ${parent} cannot hold the sockets of the edge; name a folder with a short, plain path`]);
  await mkdir(folder, { mode: 0o700 }).catch(() => undefined);
  const found = await lstat(folder);
  // Anybody may write to /tmp: a folder that another user put there first is not ours.
  if (!found.isDirectory() || found.uid !== (process.getuid?.() ?? found.uid)) throw new ConfigError([`TMPDIR: ${folder} belongs to somebody else; remove it`]);
  await chmod(folder, user === null ? 0o700 : 0o711);
  return folder;
}

/** Gives a file to the edge's user. */
export function giveTo(file: string, user: EdgeUser | null): void {
  if (user !== null) chownSync(file, user.uid, user.gid);
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
