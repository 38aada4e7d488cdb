import { describe, expect, test } from "vitest";
import { defaultRunLimits, type RetryPolicy, type RunEnd } from "#contract/task.ts";
import { judgeAttempt } from "./judge-attempt.ts";

const judge = (
  end: RunEnd,
  options: {
    code?: number | null;
    signal?: string;
    attempt?: number;
    retry?: Partial<RetryPolicy>;
    isCancelRequested?: boolean;
    random?: number;
    message?: string;
  } = {},
) => {
  const { code = null, signal = null, attempt = 1, retry = {}, isCancelRequested = false, random = 1, message = null } = options;
  const task = { attempt, retry: { retries: 0, delaySeconds: 10, onLost: "fail" as const, ...retry }, limits: { ...defaultRunLimits, timeoutMs: 90_000 } };
  return judgeAttempt(task, { result: { end, code, signal }, message, isCancelRequested, random });
};

describe("an attempt", () => {
  test.each([
    ["exited", { code: 0 }, "succeeded", null],
    ["exited", { code: 3 }, "failed", "It exited with code 3."],
    ["exited", { code: 127 }, "failed", "It exited with code 127."],
    ["signalled", { signal: "SIGSEGV" }, "failed", "It was killed by SIGSEGV."],
    ["not-found", { code: 127 }, "failed", "There is no such script."],
    ["not-executable", { code: 126 }, "failed", "The script is not executable."],
    ["timed-out", {}, "timed-out", "It took longer than 90 s."],
    ["cancelled", {}, "cancelled", null],
    ["cancelled", { message: "The site was disabled." }, "cancelled", "The site was disabled."],
    ["out-of-memory", {}, "failed", "It used more than 512 MB of memory."],
    ["refused", { message: "This site was closed." }, "rejected", "This site was closed."],
    ["lost", {}, "lost", "The machine that ran it was lost."],
  ] as const)("that ended as %s %j makes the task %s", (end, options, state, reason) => {
    expect(judge(end, options)).toEqual({ kind: "end", state, reason });
  });

  test.each(["exited", "signalled", "timed-out", "out-of-memory"] as const)("that ended as %s is followed by as many more as the policy says", (end) => {
    expect(judge(end, { code: 1, attempt: 2, retry: { retries: 2 } }).kind).toBe("retry");
    expect(judge(end, { code: 1, attempt: 3, retry: { retries: 2 } }).kind).toBe("end");
  });

  test.each(["cancelled", "refused", "not-found", "not-executable"] as const)("that ended as %s is never followed by another", (end) => {
    expect(judge(end, { retry: { retries: 20, onLost: "retry" } }).kind).toBe("end");
  });

  test("that succeeded is not repeated", () => {
    expect(judge("exited", { code: 0, retry: { retries: 5 } }).kind).toBe("end");
  });

  test("that was to be cancelled is not repeated, however it ended", () => {
    for (const end of ["exited", "lost", "timed-out"] as const) {
      expect(judge(end, { code: 1, retry: { retries: 5, onLost: "retry" }, isCancelRequested: true }).kind).toBe("end");
    }
  });

  test("that was lost is repeated only if the script allows it, and not for ever", () => {
    expect(judge("lost", { retry: { retries: 20 } })).toMatchObject({ kind: "end", state: "lost" });
    expect(judge("lost", { retry: { onLost: "retry" } })).toMatchObject({ kind: "retry", reason: "The machine that ran it was lost. It is tried again." });
    expect(judge("lost", { retry: { onLost: "retry" }, attempt: 6 })).toMatchObject({ kind: "end", state: "lost" });
  });

  test("is repeated after a delay that doubles, anywhere below it, and at most after an hour", () => {
    const delays = [1, 2, 3].map((attempt) => judge("exited", { code: 1, attempt, retry: { retries: 20 } }));
    expect(delays).toMatchObject([{ afterMs: 10_000 }, { afterMs: 20_000 }, { afterMs: 40_000 }]);
    expect(judge("exited", { code: 1, attempt: 2, retry: { retries: 20 }, random: 0.25 })).toMatchObject({ afterMs: 5_000 });
    expect(judge("exited", { code: 1, attempt: 20, retry: { retries: 20 } })).toMatchObject({ afterMs: 3_600_000 });
    expect(judge("exited", { code: 1, attempt: 1, retry: { retries: 20, delaySeconds: 7_200 } })).toMatchObject({ afterMs: 7_200_000 });
  });
});
