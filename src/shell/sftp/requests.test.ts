import { expect, test } from "vitest";
import { ProtocolError } from "./packet-reader.ts";
import { parseRequest } from "./requests.ts";
import { string, uint32, uint64 } from "./wire.ts";

const body = (type: number, ...fields: readonly Buffer[]): Buffer => Buffer.concat([Buffer.from([type]), ...fields]);

test("each request is read with all of its fields", () => {
  expect(parseRequest(body(1, uint32(3)))).toEqual({ type: "init", version: 3 });
  expect(parseRequest(body(3, uint32(7), string("a"), uint32(0x1a), uint32(4), uint32(0o755)))).toEqual({
    ...{ type: "open", id: 7, path: Buffer.from("a"), attributes: { permissions: 0o755 } },
    flags: { read: false, write: true, append: false, create: true, truncate: true, exclusive: false },
  });
  expect(parseRequest(body(5, uint32(1), string("h"), uint64(2 ** 40), uint32(100)))).toEqual({
    type: "read",
    id: 1,
    handle: "h",
    offset: 2 ** 40,
    length: 100,
  });
  expect(parseRequest(body(6, uint32(1), string("h"), uint64(5), string("data")))).toEqual({
    ...{ type: "write", id: 1, handle: "h", offset: 5, data: Buffer.from("data") },
  });
  const everything = [uint32(0x8000000f), uint64(9), uint32(1), uint32(2), uint32(0o644), uint32(10), uint32(20), uint32(1), string("x"), string("y")];
  expect(parseRequest(body(9, uint32(1), string("p"), ...everything))).toEqual({
    ...{ type: "setstat", id: 1, path: Buffer.from("p") },
    attributes: { size: 9, owner: { uid: 1, gid: 2 }, permissions: 0o644, times: { accessed: 10, modified: 20 } },
  });
  expect(parseRequest(body(18, uint32(1), string("a"), string("b")))).toEqual({ type: "rename", id: 1, first: Buffer.from("a"), second: Buffer.from("b") });
  expect(parseRequest(body(200, uint32(1), string("x@y"), string("rest")))).toEqual({ type: "extended", id: 1, name: "x@y", data: string("rest") });
  expect(parseRequest(body(99, uint32(5)))).toEqual({ type: "unknown", id: 5 });
});

test.each([
  ["nothing behind its type", body(3)],
  ["a path that is longer than the packet", body(17, uint32(1), uint32(1000), Buffer.from("a"))],
  ["an offset that no number holds", body(5, uint32(1), string("h"), Buffer.alloc(8, 0xff), uint32(1))],
  ["a handle of a thousand bytes", body(4, uint32(1), string("h".repeat(1000)))],
  ["attributes without end", body(9, uint32(1), string("p"), uint32(0x80000000), uint32(0xffffffff))],
])("%s is no SFTP", (_what, packet) => {
  expect(() => parseRequest(packet)).toThrow(ProtocolError);
});
