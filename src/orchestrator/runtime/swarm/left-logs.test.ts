import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { leaveLogs, momentOfStart, takeLeftLogs } from "./left-logs.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "backlot-left-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it("tells the next orchestrator just after which line of each program to go on", async () => {
  const failed = Promise.reject(new Error("it never started"));
  await leaveLogs(folder, { at: 5_000, programs: [Promise.resolve({ start: "a", leave: async () => "4.000000001" }), failed] });
  const left = takeLeftLogs(folder, 6_000);
  expect([momentOfStart(left, "a", 6_000), momentOfStart(left, "silent", 6_000)]).toEqual(["4.000000001", "5.000000000"]);
});

it("tells it once: one that was killed since has handed on more than was kept", async () => {
  await leaveLogs(folder, { at: 5_000, programs: [] });
  expect(takeLeftLogs(folder, 6_000)).not.toBeNull();
  expect(momentOfStart(takeLeftLogs(folder, 7_000), "a", 7_000)).toBe("7.000000000");
});

it.each(["", "1795376030120", "{}", '{"at":"x","moments":{}}', '{"at":9000,"moments":{}}'])("goes on from now where it says something else (%s)", (found) => {
  writeFileSync(join(folder, "left-at"), found);
  expect(momentOfStart(takeLeftLogs(folder, 6_000), "a", 6_000)).toBe("6.000000000");
});
