import { expect, it } from "vitest";
import { exitOf } from "./program-exit.ts";

it("says how a program ended, whether bubblewrap or the kernel says it", () => {
  expect(exitOf({ code: 3, signal: null }, 0)).toEqual({ code: 3, signal: null, isOutOfMemory: false });
  expect(exitOf({ code: 143, signal: null }, 0)).toEqual({ code: null, signal: "SIGTERM", isOutOfMemory: false });
  expect(exitOf({ code: 134, signal: null }, 0)).toEqual({ code: null, signal: "SIGABRT", isOutOfMemory: false });
  expect(exitOf({ code: 255, signal: null }, 0)).toEqual({ code: 255, signal: null, isOutOfMemory: false });
  expect(exitOf({ code: null, signal: "SIGKILL" }, 0)).toEqual({ code: null, signal: "SIGKILL", isOutOfMemory: false });
});

it("blames the memory limit only for what it ended", () => {
  expect(exitOf({ code: 137, signal: null }, 1)).toEqual({ code: null, signal: "SIGKILL", isOutOfMemory: true });
  expect(exitOf({ code: 1, signal: null }, 1)).toEqual({ code: 1, signal: null, isOutOfMemory: false });
});
