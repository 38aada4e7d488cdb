import { expect, test } from "vitest";
import { lowerPriority, priorityFor } from "./task-limits.ts";

test("members' tasks never go before others, whatever they or their scripts ask for", () => {
  expect(() => priorityFor({ asked: 1, manual: {}, isAdministrator: false })).toThrow("only administrators");
  expect(priorityFor({ asked: undefined, manual: { priority: 90 }, isAdministrator: false })).toBe(0);
  expect(priorityFor({ asked: -5, manual: { priority: 90 }, isAdministrator: false })).toBe(-5);
  expect(lowerPriority(50, false)).toBe(0);
});

test("administrators choose, then the script, then nobody", () => {
  expect(priorityFor({ asked: 7, manual: { priority: 3 }, isAdministrator: true })).toBe(7);
  expect(priorityFor({ asked: undefined, manual: { priority: 3 }, isAdministrator: true })).toBe(3);
  expect(priorityFor({ asked: undefined, manual: {}, isAdministrator: true })).toBe(0);
  expect(lowerPriority(50, true)).toBe(50);
});
