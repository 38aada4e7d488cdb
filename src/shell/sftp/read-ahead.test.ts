import { beforeEach, expect, test } from "vitest";
import { Failure } from "#contract/failure.ts";
import type { RemoteFiles } from "#kit/door/remote-files.ts";
import type { AnswerBody } from "#kit/http/byte-client.ts";
import { ReadAhead } from "./read-ahead.ts";

const content = Buffer.from(Uint8Array.from({ length: 1_000_000 }, (_, at) => (at * 31 + (at >> 8)) & 255));
let asked: string[];

/** What was asked for, in pieces that are read over by the next one, as they come from a connection. */
function answer(from: number, to: number): AnswerBody {
  const buffer = Buffer.alloc(100_000);
  let position = from;
  const next = async (): Promise<Buffer | null> => {
    const count = content.copy(buffer.fill(0), 0, position, Math.min(position + buffer.length, to));
    position += count;
    return count === 0 ? null : buffer.subarray(0, count);
  };
  return { length: to - from, next, flow: () => Promise.reject(new Error("not asked for here")) };
}
const files = {
  read: async (_file: unknown, from: number | { readonly offset: number; readonly length: number }) => {
    const [offset, end] = typeof from === "number" ? [from, content.length] : [from.offset, Math.min(from.offset + from.length, content.length)];
    asked.push(typeof from === "number" ? `from ${offset}` : `${offset} to ${end}`);
    if (offset >= content.length) throw new Failure("range_not_satisfiable");
    return answer(offset, end);
  },
} as unknown as RemoteFiles;

let reader: ReadAhead;
beforeEach(() => {
  asked = [];
  reader = new ReadAhead(files, { siteId: 1, path: "a" });
});

/** The bytes behind a lead of 13, which is not theirs. */
async function read(offset: number, length: number): Promise<Buffer> {
  const framed = await reader.read(offset, length, 13);
  return framed.subarray(13);
}

test("reads that go on come out of one stream, whole across its pieces, and end with the file", async () => {
  for (let at = 0; at < content.length; at += 261_120) expect((await read(at, 261_120)).equals(content.subarray(at, at + 261_120))).toBe(true);
  expect((await read(content.length, 1000)).length).toBe(0);
  expect(asked[0]).toBe("from 0");
  expect(asked.slice(1).every((each) => each === `from ${content.length}`)).toBe(true);
});

test("a short file takes no more memory than it has bytes", async () => {
  const framed = await reader.read(content.length - 100, 261_120, 13);
  expect(framed.length).toBe(113);
  const whole = new ReadAhead({ read: async () => answer(0, 1_000) } as unknown as RemoteFiles, { siteId: 1, path: "b" });
  expect((await whole.read(0, 261_120, 13)).buffer.byteLength).toBeLessThan(100_000);
});

test("a jump fetches a part, and what goes on behind it a stream", async () => {
  expect((await read(500_000, 10)).equals(content.subarray(500_000, 500_010))).toBe(true);
  for (let at = 500_010; at < 900_000; at += 50_000) expect((await read(at, 50_000)).equals(content.subarray(at, at + 50_000))).toBe(true);
  expect(asked[0]).toBe("500000 to 762144");
  expect(asked).toHaveLength(2);
  expect(asked[1]).toMatch(/^from /);
});

test("after somebody wrote everything is asked for anew", async () => {
  await read(0, 1000);
  reader.reset();
  expect((await read(1000, 1000)).equals(content.subarray(1000, 2000))).toBe(true);
  expect(asked).toEqual(["from 0", "from 1000"]);
});
