import { closeSync, openSync, readdirSync, readlinkSync, readSync } from "node:fs";

/** What listens in a network namespace. */
export interface ListeningSocket {
  /** `127.0.0.1`, `::`; IPv4 in IPv6 is written as IPv4. */
  readonly address: string;
  readonly port: number;
  /** Number of the socket, to find whose it is. */
  readonly inode: string;
}

// The kernel lists listening sockets before all others, so that a program with many connections costs no more than this.
const readBytes = 32 * 1024;

// The kernel makes a table by walking every connection that the whole machine could have: 5 to 15 ms of a core, measured with
// half a million places. Its counters of one network cost 0.05 ms, and say whether there is anything to find.
const tables = [
  { table: "tcp", counters: "sockstat", inUse: /^TCP: inuse (\d+)/m },
  { table: "tcp6", counters: "sockstat6", inUse: /^TCP6: inuse (\d+)/m },
] as const;

/** How many sockets there are where a process lives; another text than before when that has changed. */
export function socketCount(pid: number): string {
  return tables.map(({ counters, inUse }) => inUse.exec(readStart(`/proc/${pid}/net/${counters}`))?.[1] ?? "").join("+");
}

/** Reads what listens where a process lives, without connecting to it. Empty when the process is gone. */
export function listeningSockets(pid: number): readonly ListeningSocket[] {
  return tables.flatMap(({ table, counters, inUse }) => {
    const count = inUse.exec(readStart(`/proc/${pid}/net/${counters}`))?.[1];
    return count === "0" ? [] : parseSocketTable(readStart(`/proc/${pid}/net/${table}`));
  });
}

function readStart(path: string): string {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch {
    return ""; // the process is gone, or the kernel has no IPv6
  }
  try {
    const buffer = Buffer.allocUnsafe(readBytes);
    let length = 0;
    // One read gives at most a page.
    while (length < readBytes) {
      const count = readSync(descriptor, buffer, length, readBytes - length, null);
      if (count === 0) break;
      length += count;
    }
    return buffer.toString("latin1", 0, length);
  } catch {
    return ""; // it went while we read
  } finally {
    closeSync(descriptor);
  }
}

const listenState = "0A";

/** The listening sockets of a text as in `/proc/net/tcp` or `tcp6`. */
export function parseSocketTable(text: string): readonly ListeningSocket[] {
  const found: ListeningSocket[] = [];
  for (const line of text.split("\n").slice(1)) {
    const [, local, , state, , , , , , inode = ""] = line.trim().split(/\s+/);
    if (state !== listenState || local === undefined) continue;
    const [address = "", port = ""] = local.split(":");
    found.push({ address: addressOf(address), port: Number.parseInt(port, 16), inode });
  }
  return found;
}

// The kernel prints each 32-bit word of an address as a number of this machine, which is little-endian wherever Node runs.
function addressOf(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => (word.match(/../g) ?? []).reverse().map((byte) => Number.parseInt(byte, 16)));
  if (bytes.length === 4) return bytes.join(".");
  const isMapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255;
  if (isMapped) return bytes.slice(12).join(".");
  const groups = Array.from({ length: 8 }, (_, index) => (((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0)).toString(16));
  return shorten(groups.join(":"));
}

/** Replaces the longest run of zero groups by `::`. */
function shorten(address: string): string {
  const runs = address.match(/(?:^|:)0(?::0)+(?=:|$)/g) ?? [];
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), "");
  if (longest === "") return address;
  const [before = "", after = ""] = [address.slice(0, address.indexOf(longest)), address.slice(address.indexOf(longest) + longest.length)];
  return `${before}::${after.replace(/^:/, "")}`;
}

/** As a person writes it: `127.0.0.1:5000`, `[::1]:5000`. */
export function socketText(socket: ListeningSocket): string {
  return socket.address.includes(":") ? `[${socket.address}]:${socket.port}` : `${socket.address}:${socket.port}`;
}

/** The sockets that a process holds. */
export function socketInodes(pid: number): readonly string[] {
  try {
    const folder = `/proc/${pid}/fd`;
    return readdirSync(folder).flatMap((name) => /^socket:\[(\d+)\]$/.exec(linkOf(`${folder}/${name}`))?.slice(1) ?? []);
  } catch {
    return []; // gone
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ""; // closed meanwhile
  }
}

/** Whether a connection to `address:port` would reach the socket. */
export function reaches(socket: ListeningSocket, target: { readonly address: string; readonly port: number }): boolean {
  return socket.port === target.port && (socket.address === "0.0.0.0" || socket.address === "::" || socket.address === target.address);
}
