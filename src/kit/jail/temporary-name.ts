import { randomBytes } from "node:crypto";

/** What unfinished files and half deleted folders are called: hidden from listings, refused in paths, swept when left over. */
export const reservedPrefix = ".backlot-tmp-";

// Names of this process carry its mark, so that a sweep spares what is still being written.
const mark = randomBytes(6).toString("hex");

/** A fresh name for something unfinished. */
export function temporaryName(): string {
  return `${reservedPrefix}${mark}-${randomBytes(9).toString("hex")}`;
}

/** Whether a name is the platform's own. */
export function isReservedName(name: string): boolean {
  return name.startsWith(reservedPrefix);
}

/** Whether a reserved name was left behind by a process that ended. */
export function isLeftOver(name: string): boolean {
  return isReservedName(name) && !name.startsWith(`${reservedPrefix}${mark}-`);
}
