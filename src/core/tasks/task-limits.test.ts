import { expect, test } from "vitest";
import { defaultSiteLimits } from "#contract/site.ts";
import { defaultRunLimits } from "#contract/task.ts";
import { limitsFor, lowered, lowerPriority, priorityFor, startFor, withinSite } from "./task-limits.ts";

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

const small = { ...defaultSiteLimits, cpu: 0.5, memoryBytes: 100_000_000, pids: 20 };

test("in a site a task has what the site has, less where its script says so, and never more", () => {
  const question = { timeoutSeconds: undefined, siteLimits: small, isAdministrator: false };
  const { cpu, memoryBytes, pids } = small;
  expect(limitsFor({ ...question, manual: {} })).toEqual({ ...defaultRunLimits, cpu, memoryBytes, pids });
  const wished = { cpu: 8, memoryBytes: 64_000_000, pids: 4000, outputBytes: 900_000_000 };
  expect(limitsFor({ ...question, manual: { limits: wished } })).toEqual({ ...defaultRunLimits, cpu, memoryBytes: 64_000_000, pids });
  expect(limitsFor({ ...question, manual: { limits: { outputBytes: 5000 } } }).outputBytes).toBe(5000);
});

test("in the home folder a task has what its script says, and the installation's limits otherwise", () => {
  const question = { timeoutSeconds: undefined, siteLimits: null, isAdministrator: true };
  expect(limitsFor({ ...question, manual: { limits: { cpu: 8, pids: undefined } } })).toEqual({ ...defaultRunLimits, cpu: 8 });
});

test("limits that were allowed once fall with the site's, and a member's time with the member's", () => {
  const allowed = { ...defaultRunLimits, cpu: 4, pids: 4, timeoutMs: 2 * defaultRunLimits.timeoutMs };
  const fallen = { ...allowed, cpu: small.cpu, memoryBytes: small.memoryBytes };
  expect(withinSite(allowed, small)).toEqual(fallen);
  expect(withinSite(allowed, null)).toEqual(allowed);
  expect(lowered(allowed, small, true)).toEqual(fallen);
  expect(lowered(allowed, small, false)).toEqual({ ...fallen, timeoutMs: defaultRunLimits.timeoutMs });
});

test("a task may be put off for a year, and not for longer: it would take the room of others for ever", () => {
  const now = new Date("2026-11-22T10:00:00Z");
  expect(startFor({ asked: undefined, now })).toBeNull();
  expect(startFor({ asked: "2020-01-01T00:00:00Z", now })).toEqual(new Date("2020-01-01T00:00:00Z"));
  expect(startFor({ asked: "2027-11-22T10:00:00+01:00", now })).toEqual(new Date("2027-11-22T09:00:00Z"));
  expect(() => startFor({ asked: "2027-11-24T10:00:00Z", now })).toThrow("at most a year ahead");
  expect(() => startFor({ asked: "2099-01-01T00:00:00Z", now })).toThrow("make a schedule");
});
