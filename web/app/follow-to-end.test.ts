import { expect, test } from "vitest";
import { followToEnd } from "./follow-to-end.ts";

/** Follows a stream that ends in these ways, one after the other, of something that has ended when it is asked for the n-th time. */
async function followed(streams: readonly ("clean" | "broken" | "hidden")[], endedAtAsk: number) {
  const told: string[] = [];
  const left = [...streams];
  const stop = new AbortController();
  let asks = 0;
  const isAtEnd = await followToEnd({
    follow: async () => {
      told.push("follow");
      const next = left.shift();
      if (next === undefined) stop.abort();
      if (next === "broken") throw new Error("cut off");
      return next === "clean";
    },
    hasEnded: async () => ++asks >= endedAtAsk,
    onLost: () => void told.push("lost"),
    pause: async () => void told.push("pause"),
    stop: stop.signal,
  });
  return { told, isAtEnd };
}

test("a stream that ends while the task runs is followed again, until the task has ended", async () => {
  const { told, isAtEnd } = await followed(["clean", "clean", "clean", "clean"], 3);
  expect(isAtEnd).toBe(true);
  expect(told).toEqual(["follow", "pause", "follow", "pause", "follow", "follow"]);
});

test("what came between the stream's end and the task's is read before it counts as the end", async () => {
  expect(await followed(["clean", "broken", "clean"], 1)).toEqual({ told: ["follow", "follow", "lost", "pause", "follow"], isAtEnd: true });
});

test("a stream that breaks off is told and followed again, as is one of which nobody can say whether it has ended", async () => {
  const { told, isAtEnd } = await followed(["broken", "clean", "clean"], 1);
  expect([told, isAtEnd]).toEqual([["follow", "lost", "pause", "follow", "follow"], true]);
  const stop = new AbortController();
  const unknown = followToEnd({
    follow: async () => true,
    hasEnded: () => Promise.reject(new Error("away")),
    onLost: () => stop.abort(),
    pause: () => Promise.resolve(),
    stop: stop.signal,
  });
  expect(await unknown).toBe(false);
});

test("who leaves the page follows nothing any more", async () => {
  expect((await followed([], 1)).isAtEnd).toBe(false);
});

test("a stream that was let go while nobody looked is no end, even of a task that has ended", async () => {
  expect(await followed(["clean", "hidden", "clean"], 1)).toEqual({ told: ["follow", "follow", "pause", "follow"], isAtEnd: true });
});
