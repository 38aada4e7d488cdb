import { expect, test } from "vitest";
import { Failure } from "#contract/failure.ts";
import { judgeFailure, maxAttempts } from "./retry-policy.ts";

test("a part that is away is tried again, ever more slowly, up to ten seconds", () => {
  const away = new Failure("component_away", { component: "orchestrator" });
  expect(judgeFailure(away, 1)).toEqual({ kind: "retry", afterMs: 100 });
  expect(judgeFailure(away, 4)).toEqual({ kind: "retry", afterMs: 800 });
  expect(judgeFailure(away, 11)).toEqual({ kind: "retry", afterMs: 10_000 });
});

test("after the last attempt the operation fails with the same words", () => {
  const away = new Failure("component_away", { component: "orchestrator" });
  expect(judgeFailure(away, maxAttempts)).toEqual({ kind: "fail", code: "component_away", title: away.message });
});

test("what will not change by waiting fails at once", () => {
  const missing = new Failure("run_file_missing");
  expect(judgeFailure(missing, 1)).toEqual({ kind: "fail", code: "run_file_missing", title: missing.message });
});

test("a server of databases whose disk is full is tried again, files that do not fit are not", () => {
  expect(judgeFailure(new Failure("disk_full", { component: "database" }), 1)).toEqual({ kind: "retry", afterMs: 100 });
  expect(judgeFailure(new Failure("disk_full"), 1)).toMatchObject({ kind: "fail", code: "disk_full" });
});

test("a bug is tried again and never described to the person", () => {
  expect(judgeFailure(new Error("secret detail"), 1)).toEqual({ kind: "retry", afterMs: 100 });
  const verdict = judgeFailure(new Error("secret detail"), maxAttempts);
  expect(verdict.kind === "fail" && verdict.code).toBe("internal");
  expect(JSON.stringify(verdict)).not.toContain("secret detail");
});
