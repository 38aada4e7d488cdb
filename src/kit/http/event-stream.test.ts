import { getEventListeners } from "node:events";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { formatEvent } from "#contract/events.ts";
import { eventStream } from "./event-stream.ts";

const patience = { timeout: 20_000 };

/** Those that go on. Counted by themselves: test files share a process, and what others have begun there keeps timers of its own. */
const heartbeats = new Set<unknown>();

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
  heartbeats.clear();
  const { setInterval: begin, clearInterval: end } = globalThis;
  vi.stubGlobal("setInterval", (act: () => void, ms: number) => {
    const timer = begin(act, ms);
    if (ms === 15_000) heartbeats.add(timer);
    return timer;
  });
  vi.stubGlobal("clearInterval", (timer: NodeJS.Timeout | undefined) => {
    heartbeats.delete(timer);
    end(timer);
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

async function* numbers(until: number): AsyncGenerator<number> {
  for (let number = 0; number < until; number += 1) yield number;
}

/** A source that has nothing to say until it is told; its pieces come one at a time. */
function quietSource(): { readonly source: AsyncIterable<string>; say(text: string): void; fail(error: Error): void; readonly isReturned: boolean } {
  let next = Promise.withResolvers<IteratorResult<string>>();
  const state = { isReturned: false };
  const iterator: AsyncIterator<string> = {
    next: () => next.promise,
    return: async () => {
      state.isReturned = true;
      return { done: true, value: undefined };
    },
  };
  return {
    source: { [Symbol.asyncIterator]: () => iterator },
    say(text) {
      const { resolve } = next;
      next = Promise.withResolvers();
      resolve({ done: false, value: text });
    },
    fail: (error) => next.reject(error),
    get isReturned() {
      return state.isReturned;
    },
  };
}

test("ten thousand events leave one timer and one listener while the stream goes on, and none after it", async () => {
  const ending = new AbortController();
  const quiet = quietSource();
  async function* source(): AsyncGenerator<number | string> {
    yield* numbers(10_000);
    yield* quiet.source;
  }
  const stream = eventStream(source(), ending.signal);
  let frames = 0;
  stream.on("data", () => {
    frames += 1;
  });
  await vi.waitUntil(() => frames === 10_001, patience);
  expect(getEventListeners(ending.signal, "abort").length).toBeLessThanOrEqual(2);
  expect(heartbeats.size).toBeLessThanOrEqual(1);
  const closed = new Promise<void>((resolve) => stream.once("close", resolve));
  ending.abort();
  await closed;
  expect(getEventListeners(ending.signal, "abort")).toEqual([]);
  expect(heartbeats.size).toBe(0);
});

test("a client that leaves takes the timer and the listener along, and the source hears of it", async () => {
  const ending = new AbortController();
  const quiet = quietSource();
  const stream = eventStream(quiet.source, ending.signal);
  stream.resume();
  await vi.waitUntil(() => heartbeats.size === 1, patience);
  stream.destroy();
  await vi.waitUntil(() => quiet.isReturned, patience);
  expect(getEventListeners(ending.signal, "abort")).toEqual([]);
  expect(heartbeats.size).toBe(0);
});

test("a quiet stream says every fifteen seconds that it is there, and one that speaks does not", async () => {
  const quiet = quietSource();
  const stream = eventStream(quiet.source, new AbortController().signal);
  const frames: string[] = [];
  stream.on("data", (frame: string) => frames.push(frame));
  await vi.waitUntil(() => heartbeats.size === 1, patience);
  await vi.advanceTimersByTimeAsync(10_000);
  quiet.say("hello");
  await vi.waitUntil(() => frames.length === 2, patience);
  await vi.advanceTimersByTimeAsync(14_000);
  expect(frames).toEqual([": open\n\n", formatEvent("hello")]);
  await vi.advanceTimersByTimeAsync(31_000);
  quiet.say("again");
  await vi.waitUntil(() => frames.length === 6, patience);
  expect(frames.slice(2)).toEqual([...Array(3).fill(": still here\n\n"), formatEvent("again")]);
  stream.destroy();
});

test("what a client does not read is not asked for, and no heartbeats pile up for it", async () => {
  let asked = 0;
  async function* source(): AsyncGenerator<number> {
    while (true) {
      asked += 1;
      yield asked;
    }
  }
  const stream = eventStream(source(), new AbortController().signal);
  stream.on("data", () => stream.pause());
  await vi.waitUntil(() => stream.readableLength > 0, patience);
  await vi.advanceTimersByTimeAsync(300_000);
  expect(asked).toBeLessThanOrEqual(2);
  expect(stream.readableLength).toBeLessThanOrEqual(2);
  stream.destroy();
});

test("a source that fails ends the stream with its error; one that is torn down with the stream has not failed", async () => {
  const failing = quietSource();
  const first = eventStream(failing.source, new AbortController().signal).resume();
  const error = new Promise<Error>((resolve) => first.once("error", resolve));
  failing.fail(new Error("lost"));
  expect((await error).message).toBe("lost");

  const ending = new AbortController();
  const torn = quietSource();
  const second = eventStream(torn.source, ending.signal).resume();
  const ended = new Promise<void>((resolve) => second.once("end", resolve));
  await vi.waitUntil(() => heartbeats.size === 1, patience);
  ending.abort();
  torn.fail(new Error("aborted"));
  await ended;
});

test("events carry the ids by which a client goes on, and the source's end is the stream's", async () => {
  const frames = await Array.fromAsync(eventStream(numbers(2), new AbortController().signal, (value) => `n${value}`));
  expect(frames).toEqual([": open\n\n", formatEvent(0, "n0"), formatEvent(1, "n1")]);
  expect(heartbeats.size).toBe(0);
});
