import { expect, test } from "vitest";
import { argumentsText, resultText, taskDuration, taskTitle } from "./task-words.ts";

test("arguments read as one would type them", () => {
  expect(argumentsText(["-p", "a b", "it's", "", "x=1"])).toBe("-p 'a b' 'it'\\''s' '' x=1");
});

test("a command of several lines is named by its first", () => {
  expect(taskTitle({ script: null, command: "set -e\nmake" })).toBe("set -e …");
  expect(taskTitle({ script: "ls.sh", command: null })).toBe("ls.sh");
});

test("a duration counts up while it runs and stays when it has ended", () => {
  const startedAt = "2026-11-22T10:00:00.000Z";
  expect(taskDuration({ startedAt: null, finishedAt: null }, 0)).toBeNull();
  expect(taskDuration({ startedAt, finishedAt: null }, Date.parse(startedAt) + 3000)).toBe("3.0 s");
  expect(taskDuration({ startedAt, finishedAt: "2026-11-22T10:01:05.000Z" }, 0)).toBe("1 min 5 s");
});

test("a result names the code or the signal where there is one", () => {
  expect(resultText({ state: "failed", code: 3, signal: null, end: "exited" })).toBe("exit code 3");
  expect(resultText({ state: "failed", code: null, signal: "SIGSEGV", end: "signalled" })).toBe("SIGSEGV");
  expect(resultText({ state: "succeeded", code: 0, signal: null, end: "exited" })).toBe("");
});
