import { type Listed, longName, writeAttributes } from "./attributes.ts";
import { maxPacketBytes } from "./packet-reader.ts";
import type { StatusCode } from "./status.ts";
import { packet, string, uint32, uint64 } from "./wire.ts";

/** Longest piece that one READ gives or one WRITE takes: a packet of it fits OpenSSH's limit. */
export const maxDataBytes = maxPacketBytes - 1024;
/** Zero: none is told, though there is one. */
const mostHandlesShown = 0;

/** What this server understands beyond version 3, with the version of each. */
const extensions = [
  ["posix-rename@openssh.com", "1"],
  ["fsync@openssh.com", "1"],
  ["limits@openssh.com", "1"],
  ["expand-path@openssh.com", "1"],
] as const;

export function versionReply(): Buffer {
  return packet(2, uint32(3), ...extensions.flatMap(([name, version]) => [string(name), string(version)]));
}

export function statusReply(id: number, code: StatusCode, message: string): Buffer {
  return packet(101, uint32(id), uint32(code), string(message), string("en"));
}

export function handleReply(id: number, handle: string): Buffer {
  return packet(102, uint32(id), string(handle));
}

/** What stands before the bytes of a DATA: its length, kind and number, and how many bytes they are. */
export const dataLead = 13;

/** A whole DATA of a buffer whose first bytes are free for its head. */
export function dataReply(id: number, framed: Buffer): Buffer {
  framed.writeUInt32BE(framed.length - 4, 0);
  framed.writeUInt8(103, 4);
  framed.writeUInt32BE(id, 5);
  framed.writeUInt32BE(framed.length - dataLead, 9);
  return framed;
}

/** Names with what is known of each, as READDIR answers. */
export function namesReply(id: number, entries: readonly Listed[], about: { readonly owner: string; readonly now: number }): Buffer {
  const fields = entries.flatMap((listed) => [string(listed.entry.name), string(longName(listed, about.owner, about.now)), writeAttributes(listed)]);
  return packet(104, uint32(id), uint32(entries.length), ...fields);
}

/** One name alone, as REALPATH and READLINK answer. */
export function nameReply(id: number, name: string): Buffer {
  return packet(104, uint32(id), uint32(1), string(name), string(name), uint32(0));
}

export function attributesReply(id: number, listed: Listed): Buffer {
  return packet(105, uint32(id), writeAttributes(listed));
}

export function limitsReply(id: number): Buffer {
  return packet(201, uint32(id), uint64(maxPacketBytes), uint64(maxDataBytes), uint64(maxDataBytes), uint64(mostHandlesShown));
}
