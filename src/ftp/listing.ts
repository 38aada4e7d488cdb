import type { FolderEntry } from "#contract/api/files.ts";

/** An entry as it is listed, and whether the one who asks may change it. */
export interface Listed {
  readonly entry: FolderEntry;
  readonly canWrite: boolean;
}

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;
const halfYearMs = 180 * 24 * 60 * 60 * 1000;

/** A line of LIST as `ls -l` writes it, in UTC. */
export function listLine({ entry, canWrite }: Listed, owner: string, now: number): string {
  const name = entry.type === "link" && entry.target !== undefined ? `${entry.name} -> ${entry.target}` : entry.name;
  const who = owner.slice(0, 32).padEnd(8);
  return `${modeText(entry, canWrite)}   1 ${who} ${who} ${String(entry.size).padStart(8)} ${listTime(entry.modifiedAt, now)} ${oneLine(name)}\r\n`;
}

/** A line of NLST. */
export function nameLine({ entry }: Listed): string {
  return `${oneLine(entry.name)}\r\n`;
}

/** The facts that MLSD and MLST can tell, in the order in which FEAT lists them. */
export const factNames = ["type", "perm", "size", "modify", "unix.mode"] as const;
export type FactName = (typeof factNames)[number];

/** `type=file;size=3;modify=20261122034142; name` (RFC 3659), without the end of the line. */
export function factLine({ entry, canWrite }: Listed, facts: readonly FactName[], name = entry.name): string {
  const values: Readonly<Record<FactName, string | undefined>> = {
    type: entry.type === "folder" ? "dir" : entry.type === "link" ? "OS.unix=slink" : "file",
    perm: permissions(entry, canWrite),
    size: entry.type === "folder" ? undefined : String(entry.size),
    modify: factTime(entry.modifiedAt),
    "unix.mode": `0${mode(entry, canWrite).toString(8)}`,
  };
  return `${facts.map((fact) => (values[fact] === undefined ? "" : `${fact}=${values[fact]};`)).join("")} ${oneLine(name)}`;
}

/** `20261122034142`, in UTC. */
export function factTime(at: string): string {
  return new Date(at)
    .toISOString()
    .slice(0, 19)
    .replace(/[^0-9]/g, "");
}

/** The other way round; undefined for what is no time. */
export function parseFactTime(text: string): Date | undefined {
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.\d{1,6})?$/.exec(text) ?? [];
  if (second === undefined) return undefined;
  const date = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  // A month that has no 31st would become the next one.
  return Number.isNaN(date.getTime()) || factTime(date.toISOString()) !== text.slice(0, 14) ? undefined : date;
}

/** Whether a name fits a pattern of `*` and `?`. */
export function fitsPattern(name: string, pattern: string): boolean {
  // Each star is tried at one place after another, never more than once: no pattern takes long.
  let [at, in_, star, from] = [0, 0, -1, 0];
  while (at < name.length) {
    if (in_ < pattern.length && (pattern[in_] === "?" || pattern[in_] === name[at]) && pattern[in_] !== "*") {
      at += 1;
      in_ += 1;
    } else if (pattern[in_] === "*") {
      star = in_++;
      from = at;
    } else if (star !== -1) {
      in_ = star + 1;
      at = ++from;
    } else return false;
  }
  while (pattern[in_] === "*") in_ += 1;
  return in_ === pattern.length;
}

function mode(entry: FolderEntry, canWrite: boolean): number {
  const plain = entry.type === "folder" || entry.executable ? 0o755 : entry.type === "link" ? 0o777 : 0o644;
  return canWrite ? plain : plain & 0o555;
}

function modeText(entry: FolderEntry, canWrite: boolean): string {
  const kind = entry.type === "folder" ? "d" : entry.type === "link" ? "l" : "-";
  const bits = mode(entry, canWrite);
  return kind + [6, 3, 0].map((shift) => ["r", "w", "x"].map((letter, index) => ((bits >> shift) & (4 >> index) ? letter : "-")).join("")).join("");
}

function permissions(entry: FolderEntry, canWrite: boolean): string {
  if (entry.type === "folder") return canWrite ? "elcmpdf" : "el";
  return canWrite ? "radwf" : "r";
}

function listTime(at: string, now: number): string {
  const date = new Date(at);
  const day = `${months[date.getUTCMonth()]} ${String(date.getUTCDate()).padStart(2, "0")}`;
  const isRecent = now - date.getTime() < halfYearMs;
  return isRecent ? `${day} ${date.toISOString().slice(11, 16)}` : `${day}  ${date.getUTCFullYear()}`;
}

// A program can give a file a name with the end of a line in it; a listing must not show two files then.
function oneLine(name: string): string {
  return name.replace(/[\0\r\n]/g, "?");
}
