import type { FolderEntry } from "#contract/api/files.ts";
import { type FieldReader, uint32, uint64 } from "./wire.ts";

const flags = { size: 0x1, owner: 0x2, permissions: 0x4, times: 0x8, extended: 0x80000000 };
const typeBits = { file: 0o100000, folder: 0o040000, link: 0o120000, other: 0o010000 } as const;

/** What a client says about a file; absent is not said. */
export interface Attributes {
  readonly size?: number;
  readonly owner?: { readonly uid: number; readonly gid: number };
  readonly permissions?: number;
  /** Seconds since 1970. */
  readonly times?: { readonly accessed: number; readonly modified: number };
}

/** What is known of something, as a client is told. */
export interface Listed {
  readonly entry: FolderEntry;
  readonly canWrite: boolean;
}

/** Reads attributes out of a request. */
export function readAttributes(fields: FieldReader): Attributes {
  const given = fields.uint32();
  const found: { -readonly [Key in keyof Attributes]: Attributes[Key] } = {};
  if (given & flags.size) found.size = fields.uint64();
  if (given & flags.owner) found.owner = { uid: fields.uint32(), gid: fields.uint32() };
  if (given & flags.permissions) found.permissions = fields.uint32();
  if (given & flags.times) found.times = { accessed: fields.uint32(), modified: fields.uint32() };
  if (given & flags.extended)
    for (let count = fields.uint32(); count > 0; count -= 1) {
      fields.bytes();
      fields.bytes();
    }
  return found;
}

/** Attributes as they go into a reply. Whose a file is nobody here is told: everything of a site is its own. */
export function writeAttributes(listed: Listed): Buffer {
  const { entry } = listed;
  const seconds = secondsOf(entry);
  return Buffer.concat([
    uint32(flags.size | flags.owner | flags.permissions | flags.times),
    uint64(entry.size),
    uint32(0),
    uint32(0),
    uint32(modeOf(listed)),
    uint32(seconds),
    uint32(seconds),
  ]);
}

/** Type and permissions in one number, as `stat` has them. */
export function modeOf({ entry, canWrite }: Listed): number {
  const plain = entry.type === "folder" || entry.executable ? 0o755 : 0o644;
  const bits = entry.type === "link" ? 0o777 : canWrite ? plain : plain & 0o555;
  return typeBits[entry.type] | bits;
}

/** The line that `ls -l` in a client shows. */
export function longName(listed: Listed, owner: string, now: number): string {
  const { entry } = listed;
  const letter = { file: "-", folder: "d", link: "l", other: "p" }[entry.type];
  const bits = modeOf(listed) & 0o777;
  const rights = [6, 3, 0].map((shift) => [4, 2, 1].map((bit, at) => (bits & (bit << shift) ? "rwx"[at] : "-")).join("")).join("");
  const who = owner.slice(0, 8).padEnd(8);
  return `${letter}${rights}    1 ${who} ${who} ${String(entry.size).padStart(8)} ${dateText(secondsOf(entry), now)} ${entry.name}`;
}

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const halfYearSeconds = 182 * 24 * 60 * 60;

// As ls: the time for what is recent, else the year.
function dateText(seconds: number, now: number): string {
  const date = new Date(seconds * 1000);
  const day = `${months[date.getUTCMonth()] ?? ""} ${String(date.getUTCDate()).padStart(2)}`;
  const isRecent = Math.abs(now / 1000 - seconds) < halfYearSeconds;
  const time = `${String(date.getUTCHours()).padStart(2, "0")}:${String(date.getUTCMinutes()).padStart(2, "0")}`;
  return `${day} ${isRecent ? time : ` ${date.getUTCFullYear()}`}`;
}

function secondsOf(entry: FolderEntry): number {
  return Math.min(Math.max(Math.floor(Date.parse(entry.modifiedAt) / 1000), 0), 0xffffffff);
}
