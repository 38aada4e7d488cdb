import { expect, test } from "vitest";
import { formatEvent, readEvents, readLines } from "./events.ts";

const bodyOf = (...chunks: readonly string[]): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start: (controller) => {
      for (const chunk of chunks) controller.enqueue(new TextEncoder().encode(chunk));
      controller.close();
    },
  });

const collect = async <T>(source: AsyncIterable<T>): Promise<readonly T[]> => Array.fromAsync(source);

test("events come out as they went in, however the stream is cut", async () => {
  const text = `: open\n\n${formatEvent({ a: "ä\n" })}event: end\ndata: 1\ndata: 2\n\n`;
  const expected = [
    { event: "message", data: '{"a":"ä\\n"}' },
    { event: "end", data: "1\n2" },
  ];
  expect(await collect(readEvents(bodyOf(text)))).toEqual(expected);
  expect(await collect(readEvents(bodyOf(...text)))).toEqual(expected);
});

test("an event that was cut off is not given", async () => {
  expect(await collect(readEvents(bodyOf("data: whole\n\ndata: half")))).toEqual([{ event: "message", data: "whole" }]);
});

test("lines end with any line end, and a character is never torn", async () => {
  expect(await collect(readLines(bodyOf("a\r", "\nb\rc\nd")))).toEqual(["a", "b", "c", "d"]);
});

test("an event's id goes with it, and not with the next", async () => {
  expect(await collect(readEvents(bodyOf(formatEvent(1, "17"), formatEvent(2))))).toEqual([
    { event: "message", data: "1", id: "17" },
    { event: "message", data: "2" },
  ]);
});
