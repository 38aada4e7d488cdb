import { expect, test } from "vitest";
import { maxPacketBytes, PacketReader } from "./packet-reader.ts";
import { packet, string } from "./wire.ts";

const bodies = ["a", "bc".repeat(500), "d".repeat(70_000)];
const stream = Buffer.concat(bodies.map((body) => packet(1, string(body))));

test.each([1, 3, 1000, 65_536, stream.length])("packets are whole again, cut into pieces of %i bytes", (size) => {
  const reader = new PacketReader();
  const found: string[] = [];
  for (let at = 0; at < stream.length; at += size) {
    for (const each of reader.feed(stream.subarray(at, at + size))) found.push(each.subarray(5).toString());
  }
  expect(found).toEqual(bodies);
});

test("a length of zero or beyond the limit ends it at once, without waiting for the rest", () => {
  for (const length of [0, maxPacketBytes + 1, 0xffffffff]) {
    const head = Buffer.alloc(4);
    head.writeUInt32BE(length);
    expect(() => new PacketReader().feed(head)).toThrow(`a packet of ${length} bytes`);
  }
});
