import { describe, expect, it } from "vitest";
import { isAtRest, mayRun, visibleStatus } from "./visible-status.ts";

const crashed = { state: "crashed", reason: "exited 1" } as const;

describe("the visible status", () => {
  it.each([
    [{ kind: "dynamic", availability: "enabled" }, { state: "crashed", reason: "exited 1" }, true],
    [{ kind: "static", availability: "enabled" }, { state: "running", reason: null }, false],
    [{ kind: "dynamic", availability: "not-served" }, { state: "not-served", reason: null }, false],
    [{ kind: "static", availability: "disabled" }, { state: "disabled", reason: null }, false],
  ] as const)("of %j is %j", (spec, status, runs) => {
    expect(visibleStatus(spec, crashed)).toEqual(status);
    expect(mayRun(spec)).toBe(runs);
  });

  it("is at rest when there is nothing to follow", () => {
    expect(isAtRest({ kind: "static" }, "running")).toBe(true);
    expect(isAtRest({ kind: "dynamic" }, "running")).toBe(false);
    expect(isAtRest({ kind: "dynamic" }, "asleep")).toBe(true);
    expect(isAtRest({ kind: "dynamic" }, "stopped")).toBe(false);
  });
});
