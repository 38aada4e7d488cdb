import { expect, onTestFinished, test } from "vitest";
import { silentLog } from "#kit/log.ts";
import { watchHaproxy } from "./watch-haproxy.ts";

test("another HAProxy is seen well within the second in which it is to have its routes, also when nobody saw the one before go", async () => {
  const ending = new AbortController();
  onTestFinished(() => ending.abort());
  let pid = 1;
  let came = Promise.withResolvers<void>();
  const seen: string[] = [];
  const onCame = (): void => {
    seen.push(`came ${pid}`);
    came.resolve();
  };
  const send = async (): Promise<string> => `Name: HAProxy\nPid: ${pid}\n`;
  watchHaproxy({ send, onCame, onGone: () => void seen.push("gone"), log: silentLog() }, ending.signal);
  await came.promise;
  const tookMs: number[] = [];
  for (pid = 2; pid <= 4; pid += 1) {
    came = Promise.withResolvers();
    const since = performance.now();
    await came.promise;
    tookMs.push(performance.now() - since);
  }
  expect(seen).toEqual(["came 1", "came 2", "came 3", "came 4"]);
  // Issue 5's second less what telling ten thousand routes takes; the best of three, since the machine is not alone.
  expect(Math.min(...tookMs)).toBeLessThan(800);
});
