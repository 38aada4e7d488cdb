import { describe, expect, it } from "vitest";
import { parseCron } from "./cron.ts";
import { judgeOverlap } from "./overlap.ts";
import { planRuns } from "./plan-runs.ts";
import { runKey, runUid } from "./run-uid.ts";
import type { CatchUpPolicy } from "./schedule.ts";

function plan(due: { readonly dueAt: string; readonly now: string; readonly catchUp?: CatchUpPolicy; readonly cron?: string }) {
  const { dueAt, now, catchUp = "last", cron = "0 * * * *" } = due;
  const { moments, nextAt } = planRuns(parseCron(cron, "UTC"), { dueAt: new Date(dueAt), now: new Date(now), catchUp });
  return { moments: moments.map((moment) => moment.toISOString().slice(0, 16)), nextAt: nextAt?.toISOString().slice(0, 16) };
}

describe("what is due", () => {
  it.each(["none", "last", "all"] as const)("runs once in time, and the next moment follows (%s)", (catchUp) => {
    const expected = { moments: ["2026-11-22T10:00"], nextAt: "2026-11-22T11:00" };
    expect(plan({ dueAt: "2026-11-22T10:00:00Z", now: "2026-11-22T10:00:00.004Z", catchUp })).toEqual(expected);
    expect(plan({ dueAt: "2026-11-22T10:00:00Z", now: "2026-11-22T10:01:00Z", catchUp })).toEqual(expected);
  });

  it.each([
    ["none", []],
    ["last", ["2026-11-22T13:00"]],
    ["all", ["2026-11-22T10:00", "2026-11-22T11:00", "2026-11-22T12:00", "2026-11-22T13:00"]],
  ] as const)("after a downtime is made up for as the policy says (%s)", (catchUp, moments) => {
    expect(plan({ dueAt: "2026-11-22T10:00:00Z", now: "2026-11-22T13:30:00Z", catchUp })).toEqual({ moments, nextAt: "2026-11-22T14:00" });
  });

  it("is only the run that is in time when older ones are not made up for", () => {
    const expected = { moments: ["2026-11-22T13:00"], nextAt: "2026-11-22T14:00" };
    expect(plan({ dueAt: "2026-11-22T10:00:00Z", now: "2026-11-22T13:00:30Z", catchUp: "none" })).toEqual(expected);
  });

  it("is a hundred at most, the newest, however long it was down", () => {
    const startedAt = performance.now();
    const { moments, nextAt } = plan({ dueAt: "2020-01-01T00:00:00Z", now: "2026-11-22T13:30:05Z", catchUp: "all", cron: "*/10 * * * * *" });
    expect(moments).toHaveLength(100);
    expect(moments.at(-1)).toBe("2026-11-22T13:30");
    expect(moments[0]).toBe("2026-11-22T13:13");
    expect(nextAt).toBe("2026-11-22T13:30");
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });

  it("is nothing before its moment: a clock that was set back repeats no run", () => {
    expect(plan({ dueAt: "2026-11-22T10:00:00Z", now: "2026-11-22T08:30:00Z", catchUp: "all" })).toEqual({ moments: [], nextAt: "2026-11-22T10:00" });
  });

  it("is a downtime for a clock that jumped ahead", () => {
    expect(plan({ dueAt: "2026-11-22T10:00:00Z", now: "2027-11-22T10:30:00Z" })).toEqual({ moments: ["2027-11-22T10:00"], nextAt: "2027-11-22T11:00" });
  });
});

describe("the overlap with earlier runs", () => {
  it.each([
    ["skip", { due: 1, goOn: 0 }, { creates: 1, cancelsEarlier: false }],
    ["skip", { due: 5, goOn: 0 }, { creates: 5, cancelsEarlier: false }],
    ["skip", { due: 1, goOn: 1 }, { creates: 0, cancelsEarlier: false }],
    ["queue", { due: 1, goOn: 1 }, { creates: 1, cancelsEarlier: false }],
    ["queue", { due: 5, goOn: 97 }, { creates: 3, cancelsEarlier: false }],
    ["queue", { due: 1, goOn: 100 }, { creates: 0, cancelsEarlier: false }],
    ["queue", { due: 1, goOn: 300 }, { creates: 0, cancelsEarlier: false }],
    ["replace", { due: 1, goOn: 0 }, { creates: 1, cancelsEarlier: false }],
    ["replace", { due: 2, goOn: 3 }, { creates: 2, cancelsEarlier: true }],
    ["replace", { due: 0, goOn: 3 }, { creates: 0, cancelsEarlier: false }],
  ] as const)("%s %o", (policy, runs, verdict) => {
    expect(judgeOverlap(policy, runs)).toEqual(verdict);
  });
});

describe("a run", () => {
  it("has the same uid whoever works it out, and another at another moment or of another schedule", () => {
    const moment = new Date("2026-11-22T10:00:00Z");
    const id = "11111111-2222-4333-8444-555555555555";
    expect(runUid(id, moment)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(runUid(id, new Date(moment))).toBe(runUid(id, moment));
    expect(runUid(id, new Date(moment.getTime() + 10_000))).not.toBe(runUid(id, moment));
    expect(runUid(id.replace("1", "2"), moment)).not.toBe(runUid(id, moment));
    expect(runKey(id, moment)).toBe(`schedule:${id}:2026-11-22T10:00:00.000Z`);
  });
});
