import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { hasRoom, whileRoom, whileStreaming } from "./stream-room.ts";

beforeEach(() => {
  vi.stubGlobal("document", Object.assign(new EventTarget(), { visibilityState: "visible" }));
  vi.stubGlobal("window", new EventTarget());
});
afterEach(() => vi.unstubAllGlobals());

const never = new AbortController().signal;

test("what can be asked for gives way as soon as two other streams of the page are open, and has room again afterwards", () => {
  const sites = whileRoom(never);
  const log = whileStreaming(never);
  expect([sites.signal.aborted, hasRoom()]).toEqual([false, true]);
  const changes = whileStreaming(never);
  expect([sites.signal.aborted, log.signal.aborted, hasRoom()]).toEqual([true, false, false]);
  sites.release();
  expect(whileRoom(never).signal.aborted).toBe(true);
  changes.release();
  changes.release();
  expect(hasRoom()).toBe(true);
  const again = whileRoom(never);
  expect(again.signal.aborted).toBe(false);
  for (const hold of [again, log]) hold.release();
});
