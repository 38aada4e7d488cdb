import { type Attributes, readAttributes } from "./attributes.ts";
import { ProtocolError } from "./packet-reader.ts";
import { FieldReader } from "./wire.ts";

/** How a file is opened. */
export interface OpenFlags {
  readonly read: boolean;
  readonly write: boolean;
  readonly append: boolean;
  readonly create: boolean;
  readonly truncate: boolean;
  readonly exclusive: boolean;
}

/** What a client asks for. Paths and handles are bytes still: the first may not be UTF-8. */
export type SftpRequest =
  | { readonly type: "init"; readonly version: number }
  | { readonly type: "open"; readonly id: number; readonly path: Buffer; readonly flags: OpenFlags; readonly attributes: Attributes }
  | { readonly type: "read"; readonly id: number; readonly handle: string; readonly offset: number; readonly length: number }
  | { readonly type: "write"; readonly id: number; readonly handle: string; readonly offset: number; readonly data: Buffer }
  | { readonly type: "close" | "fstat" | "readdir"; readonly id: number; readonly handle: string }
  | { readonly type: "fsetstat"; readonly id: number; readonly handle: string; readonly attributes: Attributes }
  | { readonly type: "setstat" | "mkdir"; readonly id: number; readonly path: Buffer; readonly attributes: Attributes }
  | { readonly type: PathRequestType; readonly id: number; readonly path: Buffer }
  | { readonly type: "rename" | "symlink"; readonly id: number; readonly first: Buffer; readonly second: Buffer }
  | { readonly type: "extended"; readonly id: number; readonly name: string; readonly data: Buffer }
  | { readonly type: "unknown"; readonly id: number };
type PathRequestType = "lstat" | "stat" | "opendir" | "remove" | "rmdir" | "realpath" | "readlink";

const pathRequests: Readonly<Record<number, PathRequestType>> = {
  7: "lstat",
  11: "opendir",
  13: "remove",
  15: "rmdir",
  16: "realpath",
  17: "stat",
  19: "readlink",
};
const handleRequests: Readonly<Record<number, "close" | "fstat" | "readdir">> = { 4: "close", 8: "fstat", 12: "readdir" };

/** Reads a request. @throws {ProtocolError} */
export function parseRequest(packet: Buffer): SftpRequest {
  const fields = new FieldReader(packet);
  const kind = fields.byte();
  if (kind === 1) return { type: "init", version: fields.uint32() };
  const id = fields.uint32();
  const ofPath = pathRequests[kind];
  if (ofPath !== undefined) return { type: ofPath, id, path: fields.bytes() };
  const ofHandle = handleRequests[kind];
  if (ofHandle !== undefined) return { type: ofHandle, id, handle: handleOf(fields) };
  switch (kind) {
    case 3:
      return { type: "open", id, path: fields.bytes(), flags: openFlags(fields.uint32()), attributes: readAttributes(fields) };
    case 5:
      return { type: "read", id, handle: handleOf(fields), offset: fields.uint64(), length: fields.uint32() };
    case 6:
      return { type: "write", id, handle: handleOf(fields), offset: fields.uint64(), data: fields.bytes() };
    case 9:
      return { type: "setstat", id, path: fields.bytes(), attributes: readAttributes(fields) };
    case 10:
      return { type: "fsetstat", id, handle: handleOf(fields), attributes: readAttributes(fields) };
    case 14:
      return { type: "mkdir", id, path: fields.bytes(), attributes: readAttributes(fields) };
    case 18:
      return { type: "rename", id, first: fields.bytes(), second: fields.bytes() };
    case 20:
      return { type: "symlink", id, first: fields.bytes(), second: fields.bytes() };
    case 200:
      return { type: "extended", id, name: fields.bytes().toString("latin1"), data: packet.subarray(9 + packet.readUInt32BE(5)) };
    default:
      return { type: "unknown", id };
  }
}

function handleOf(fields: FieldReader): string {
  const handle = fields.bytes();
  if (handle.length > 256) throw new ProtocolError("a handle that is too long");
  return handle.toString("latin1");
}

function openFlags(bits: number): OpenFlags {
  const has = (bit: number): boolean => (bits & bit) !== 0;
  return { read: has(1), write: has(2), append: has(4), create: has(8), truncate: has(16), exclusive: has(32) };
}
