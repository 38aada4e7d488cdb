import { existsSync, lstatSync, readFileSync } from "node:fs";

/** Every place of a run's sandbox that it may write to and that is its own; all of them are file systems in memory. */
const places = ["/tmp", "/dev/shm", "/run", "/dev/mqueue"] as const;

const hasSessions = existsSync("/proc/self/autogroup");

/**
 * What a run could leave behind in a sandbox, and what it could do to the first process, which is of the same user: two that are equal say that nothing
 * of that kind has happened in between. Null when the first process has gone.
 *
 * Whoever is left in a sandbox is a child of the first process or descends from one, also if it waits to be collected only.
 * A folder in memory counts its names in its size, and any change of it or its attributes moves its `ctime`, which nobody can set. What a process may
 * change of another one of its user, besides signals: limits, niceness, scheduling, the processors that it may use, the niceness of its session.
 */
export function sandboxTrace(firstPid: number): string | null {
  const at = `/proc/${firstPid}`;
  try {
    const stat = readFileSync(`${at}/stat`, "latin1");
    // From the state on: the name in brackets may hold anything.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const own = [19, 16, 37, 38].map((index) => fields[index]);
    const limits = readFileSync(`${at}/limits`, "latin1");
    const processors = /^Cpus_allowed:.*$/m.exec(readFileSync(`${at}/status`, "latin1"))?.[0];
    const children = readFileSync(`${at}/task/${firstPid}/children`, "latin1");
    // Where sessions have a niceness, the first process's is that of the runs, too.
    const session = hasSessions ? readFileSync(`${at}/autogroup`, "latin1") : "";
    return [...own, limits, processors, children, session, ...places.map((place) => placeOf(`${at}/root${place}`))].join("\n");
  } catch {
    return null; // gone
  }
}

/**
 * Whether the user of a process sees nothing of its memory and its descriptors, since that may not read its program. The setting `fs.suid_dumpable` can open
 * even such a process: then its files in `/proc` are its user's.
 */
export function isClosedToItsUser(pid: number): boolean {
  try {
    return lstatSync(`/proc/${pid}/environ`).uid === 0;
  } catch {
    return false; // gone
  }
}

// Mount points in folders that nobody inside can write to, so that no link can stand on the way.
function placeOf(path: string): string {
  const { dev, ino, mode, uid, gid, nlink, size, ctimeNs } = lstatSync(path, { bigint: true });
  return [dev, ino, mode, uid, gid, nlink, size, ctimeNs].join(" ");
}
