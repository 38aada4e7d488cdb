import { expect, test } from "vitest";
import { Hints } from "./hints.ts";

const never = new AbortController().signal;

test("a hint wakes all who wait for its key and nobody else", async () => {
  const hints = new Hints();
  const woken: string[] = [];
  const waits = ["a", "a", "b"].map((key) => hints.wait(key, { maxMs: 60_000, signal: never }).then(() => void woken.push(key)));
  hints.notify("a");
  await Promise.all(waits.slice(0, 2));
  expect(woken).toEqual(["a", "a"]);
  hints.notifyAll();
  await Promise.all(waits);
  expect(woken).toEqual(["a", "a", "b"]);
});

test("waiting ends by itself, and when it is given up", async () => {
  const hints = new Hints();
  await hints.wait("a", { maxMs: 1, signal: never });
  await hints.wait("a", { maxMs: 60_000, signal: AbortSignal.abort() });
});
