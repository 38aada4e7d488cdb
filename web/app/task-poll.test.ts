import { expect, test } from "vitest";
import type { TaskView } from "#contract/api/tasks.ts";
import { taskPollMs } from "./task-poll.ts";

const now = Date.parse("2026-11-23T10:00:00.000Z");
const at = (inMs: number): string => new Date(now + inMs).toISOString();
const task = (state: TaskView["state"], inMs = -60_000, madeMs = -90_000) => ({ state, runAt: at(inMs), createdAt: at(madeMs) });
const ended = [task("succeeded"), task("failed")];
const [busy, idle] = [1_500, 15_000];

test("a list is read again soon while something in it runs or is about to", () => {
  expect(taskPollMs([[task("running"), ...ended]], now)).toBe(busy);
  expect(taskPollMs([[task("queued"), ...ended]], now)).toBe(busy);
  expect(taskPollMs([[task("queued", 4_000), ...ended]], now)).toBe(busy);
});

test("a task that was to run at once is due, however slow the reader's clock is", () => {
  expect(taskPollMs([[task("queued", 120_000, 120_000)]], now)).toBe(busy);
});

test("a task of next year, an empty list and a finished one are no reason to hurry", () => {
  expect(taskPollMs([[task("queued", 365 * 86_400_000), ...ended]], now)).toBe(idle);
  expect([taskPollMs([ended], now), taskPollMs([[]], now), taskPollMs([], now)]).toEqual([idle, idle, idle]);
});

test("each page is a request: with many loaded the list is read less often, and only the newest are looked at", () => {
  const newest = [task("running")];
  expect(taskPollMs([ended, newest], now)).toBe(busy);
  expect(taskPollMs([newest, ended, ended, ended], now)).toBe(3 * busy);
  expect(taskPollMs([newest, ...Array.from({ length: 30 }, () => ended)], now)).toBe(idle);
  expect(taskPollMs([ended, ended, newest], now)).toBe(idle);
});
