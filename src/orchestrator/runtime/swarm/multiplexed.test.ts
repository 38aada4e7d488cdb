import { Readable } from "node:stream";
import { expect, it } from "vitest";
import { readMultiplexed } from "./multiplexed.ts";

const frame = (stream: 1 | 2, text: string): Buffer => {
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([header, Buffer.from(text)]);
};

async function read(bytes: Buffer, pieceBytes: number): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const pieces = Array.from({ length: Math.ceil(bytes.length / pieceBytes) }, (_, index) => bytes.subarray(index * pieceBytes, (index + 1) * pieceBytes));
  const printed = { stdout: "", stderr: "" };
  await readMultiplexed(Readable.from(pieces), (stream, chunk) => {
    printed[stream] += chunk.toString("latin1");
    return undefined;
  });
  return printed;
}

it.each([1, 3, 7, 8, 9, 1000])("tells the two streams apart however the bytes arrive (%d at a time)", async (pieceBytes) => {
  const bytes = Buffer.concat([frame(1, "one\n"), frame(2, "oh\n"), frame(1, ""), frame(1, "two, and more of it\n")]);
  expect(await read(bytes, pieceBytes)).toEqual({ stdout: "one\ntwo, and more of it\n", stderr: "oh\n" });
});

it("reads nothing more until what it gave was taken", async () => {
  let isTaking = false;
  await readMultiplexed(Readable.from([frame(1, "a"), frame(1, "b"), frame(2, "c")]), async () => {
    expect(isTaking).toBe(false);
    isTaking = true;
    await new Promise((resolve) => setImmediate(resolve));
    isTaking = false;
  });
});

it("ends with a stream that breaks", async () => {
  const stream = new Readable({ read: () => undefined });
  stream.push(frame(1, "half"));
  const reading = readMultiplexed(stream, () => undefined);
  setImmediate(() => stream.destroy(new Error("socket hang up")));
  await reading;
});
