import { describe, expect, it } from "vitest";
import type { Crash, EndCause } from "./back-off.ts";
import { causeOf, endingOf, notListeningReason, reasonOf, tellingLine } from "./end-reason.ts";

const memoryBytes = 100_000_000;
const one: EndCause = { kind: "exit", code: 1 };

function crash(at: number, cause: EndCause, lastLine: string | null = null): Crash {
  return { at, ranMs: 500, cause, lastLine };
}

describe("the reason of an end", () => {
  it.each([
    ["one exit", [crash(0, one)], "exited 1"],
    ["its last line", [crash(0, one, "boom")], "exited 1; last line: boom"],
    ["the same exit again", [crash(0, one), crash(3_000, one, "boom")], "exited 1 twice in 4 s; last line: boom"],
    ["three exits", [crash(0, one), crash(4_000, one), crash(9_500, one, "boom")], "exited 1 three times in 10 s; last line: boom"],
    ["only the same ones at the end", [crash(0, { kind: "exit", code: 2 }), crash(1_000, one)], "exited 1"],
    ["many", Array.from({ length: 12 }, (_, index) => crash(index * 60_000, one)), "exited 1 12 times in 11 min"],
    ["a program that just ends", [crash(0, { kind: "exit", code: 0 })], "run.sh ended: it must keep running"],
    ["too much memory", [crash(0, { kind: "memory", memoryBytes })], "used more than its 100 MB of memory"],
    ["a signal", [crash(0, { kind: "signal", signal: "SIGSEGV" })], "was ended by SIGSEGV"],
    ["nothing known", [], "it ended"],
  ] as const)("tells %s", (_, crashes, text) => {
    expect(reasonOf(crashes)).toBe(text);
  });

  it("can be told without what the program printed", () => {
    expect(endingOf([crash(0, one, "boom"), crash(3_000, one, "password: secret")])).toBe("exited 1 twice in 4 s");
    expect(endingOf([crash(0, { kind: "exit", code: 0 }, "; last line: secret")])).toBe("run.sh ended: it must keep running");
  });

  it.each([
    [
      { code: 1, signal: null, isOutOfMemory: false },
      { kind: "exit", code: 1 },
    ],
    [
      { code: null, signal: "SIGKILL", isOutOfMemory: true },
      { kind: "memory", memoryBytes },
    ],
    [
      { code: null, signal: "SIGTERM", isOutOfMemory: false },
      { kind: "signal", signal: "SIGTERM" },
    ],
    [
      { code: 139, signal: null, isOutOfMemory: false },
      { kind: "signal", signal: "SIGSEGV" },
    ],
    [
      { code: 137, signal: null, isOutOfMemory: false },
      { kind: "signal", signal: "SIGKILL" },
    ],
    [
      { code: 200, signal: null, isOutOfMemory: false },
      { kind: "exit", code: 200 },
    ],
  ] as const)("reads %j as %j", (exit, cause) => {
    expect(causeOf(exit, memoryBytes)).toEqual(cause);
  });

  it("says where a program listens instead", () => {
    expect(notListeningReason(30, ["127.0.0.1:5000"])).toBe(
      "nothing listens on $PORT after 30 s: run.sh must listen on $HOST:$PORT (it listens on 127.0.0.1:5000)",
    );
    expect(notListeningReason(30, [])).toBe("nothing listens on $PORT after 30 s: run.sh must listen on $HOST:$PORT");
  });
});

describe("the line that explains most", () => {
  it.each([
    ["the last one", ["starting", "no such port"], "no such port"],
    [
      "the error of a Node program, not its version",
      ["Error: Cannot find module 'express'", "    at x (y.js:1:1)", "", "Node.js v24.21.0"],
      "Error: Cannot find module 'express'",
    ],
    [
      "the error of a Python program",
      ["Traceback (most recent call last):", '  File "app.py"', "ModuleNotFoundError: No module named 'flask'"],
      "ModuleNotFoundError: No module named 'flask'",
    ],
    ["an error before what came after it", ["TypeError: x is not a function", "shutting down"], "TypeError: x is not a function"],
    ["nothing of empty lines", ["", "  "], null],
    ["nothing of nothing", [], null],
  ] as const)("is %s", (_, lines, expected) => {
    expect(tellingLine(lines)).toBe(expected);
  });

  it("is cut when it is long", () => {
    expect(tellingLine(["x".repeat(500)])).toBe(`${"x".repeat(200)}…`);
  });
});
