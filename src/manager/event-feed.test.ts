import { expect, it } from "vitest";
import { formatEvent } from "#contract/events.ts";
import { silentLog } from "#kit/log.ts";
import { followFeed } from "./event-feed.ts";
import { SteadyLoop } from "./steady-loop.ts";

it("a loop goes on until it is stopped, which ends its rest", async () => {
  let times = 0;
  const loop = new SteadyLoop(async () => {
    times += 1;
    return times < 3 ? 0 : 3_600_000;
  });
  loop.start();
  loop.start();
  await expect.poll(() => times).toBe(3);
  await loop.stop();
  expect(times).toBe(3);
});

it("a loop's stop tells what is under way, and waits for it", async () => {
  const said: string[] = [];
  const begun = Promise.withResolvers<void>();
  const loop = new SteadyLoop(async (signal) => {
    begun.resolve();
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    said.push("the step has ended");
    return 0;
  });
  loop.start();
  await begun.promise;
  await loop.stop();
  expect(said).toEqual(["the step has ended"]);
});

it("a feed is followed through its ends, its failures and nonsense", async () => {
  const streams = [
    () => new Response(`${formatEvent({ number: 1 })}${formatEvent({ number: 2 })}`),
    () => {
      throw new Error("nobody is there");
    },
    () => new Response(null),
    () => new Response("data: {no json\n\n"),
    () => new Response(formatEvent({ number: 3 })),
  ];
  const seen: unknown[] = [];
  const loop = followFeed({
    name: "numbers",
    open: async (signal) => {
      const next = streams.shift();
      if (next !== undefined) return next();
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    },
    take: (data) => void seen.push(data),
    onOpened: () => void seen.push("opened"),
    onLost: () => void seen.push("lost"),
    log: silentLog(),
  });
  loop.start();
  await expect.poll(() => seen.length, { timeout: 20_000 }).toBe(11);
  expect(seen).toEqual(["opened", { number: 1 }, { number: 2 }, "lost", "lost", "lost", "opened", "lost", "opened", { number: 3 }, "lost"]);
  await loop.stop();
  expect(seen.at(-1)).toBe("lost");
});
