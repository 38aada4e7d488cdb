import { PassThrough, Readable } from "node:stream";
import { expect, test } from "vitest";
import { chunksOf } from "./channel-chunks.ts";

test("what came before the end comes out, in order, and then the end", async () => {
  const channel = new PassThrough();
  channel.write("one");
  const chunks = chunksOf(channel);
  expect(String((await chunks.next()).value)).toBe("one");
  const second = chunks.next();
  channel.end("two");
  expect(String((await second).value)).toBe("two");
  expect(await chunks.next()).toMatchObject({ done: true });
});

test("a channel that is closed in the middle has ended", async () => {
  const channel = new PassThrough();
  const next = chunksOf(channel).next();
  channel.destroy();
  expect(await next).toMatchObject({ done: true });
  expect(await chunksOf(channel).next()).toMatchObject({ done: true });
});

test("a chunk that was taken is not kept until the end", async () => {
  const pieceBytes = 64 * 1024;
  const pieces = (256 * 1024 * 1024) / pieceBytes;
  let made = 0;
  const channel = new Readable({ read: () => void channel.push(made++ < pieces ? Buffer.alloc(pieceBytes) : null) });
  let [taken, most] = [0, 0];
  for await (const chunk of chunksOf(channel)) {
    taken += chunk.length;
    most = Math.max(most, process.memoryUsage().arrayBuffers);
  }
  expect(taken).toBe(pieces * pieceBytes);
  expect(most).toBeLessThan(160 * 1024 * 1024);
});
