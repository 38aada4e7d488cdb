import { randomBytes } from "node:crypto";

// What unfinished files and half deleted folders are called: hidden from listings, refused in paths, swept when left over.
const reservedPrefix = ".backlot-tmp-";

// Whoever runs in a site can see and imitate such names; only what this process remembers is spared by a sweep.
const live = new Set<string>();

/** A fresh name for something unfinished in a jail's root; release it when that has ended. */
export function takeTemporaryName(): string {
  const name = freshName();
  live.add(name);
  return name;
}

/** Says that a temporary name is not needed any more; what still carries it may be swept. */
export function releaseTemporaryName(name: string): void {
  live.delete(name);
}

/** A fresh reserved name for inside something that is hidden already. */
export function freshName(): string {
  return `${reservedPrefix}${randomBytes(12).toString("hex")}`;
}

/** Whether a name is the platform's own. */
export function isReservedName(name: string): boolean {
  return name.startsWith(reservedPrefix);
}

/** Whether this process is at work on it. */
export function isLiveName(name: string): boolean {
  return live.has(name);
}
