import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

interface SecondLook {
  readonly faultSuites: readonly string[];
  failedFiles(report: unknown, root: string): readonly string[];
  countTests(first: unknown, second: unknown): Counts;
}
interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly onlyAtFirst: readonly string[];
  readonly withoutSecond: readonly string[];
}

// Plain JavaScript, since the machine's own Node runs it.
const root = join(import.meta.dirname, "..");
const { countTests, failedFiles, faultSuites }: SecondLook = await import(join(root, "scripts", "second-look.mjs"));

const report = (...files: readonly { name: string; tests: Readonly<Record<string, string>>; status?: string }[]) => ({
  testResults: files.map(({ name, tests, status }) => ({
    name,
    status: status ?? (Object.values(tests).includes("failed") ? "failed" : "passed"),
    assertionResults: Object.entries(tests).map(([fullName, result]) => ({ fullName, status: result })),
  })),
});

test("what failed beside others and passed alone counts as passed, and is named", () => {
  const first = report(
    { name: "/p/a.test.ts", tests: { one: "passed", two: "failed" } },
    { name: "/p/b.test.ts", tests: { three: "passed", four: "skipped" } },
  );
  const second = report({ name: "/p/a.test.ts", tests: { one: "passed", two: "passed" } });

  expect(failedFiles(first, "/p")).toEqual(["a.test.ts"]);
  expect(countTests(first, second)).toMatchObject({ passed: 3, failed: 0, onlyAtFirst: ["two"], withoutSecond: [] });
});

test("what fails twice has failed, also when it fails in another way", () => {
  const first = report({ name: "/p/a.test.ts", tests: { one: "passed", two: "failed" } });

  expect(countTests(first, report({ name: "/p/a.test.ts", tests: { one: "failed", two: "passed" } }))).toMatchObject({ passed: 1, failed: 1, onlyAtFirst: [] });
  expect(countTests(first, null)).toMatchObject({ passed: 1, failed: 1, onlyAtFirst: [] });
});

test("a file that cannot be loaded is one failed test", () => {
  const broken = report({ name: "/p/a.test.ts", tests: {}, status: "failed" });

  expect(countTests(broken, null)).toMatchObject({ passed: 0, failed: 1, onlyAtFirst: [] });
  expect(countTests(broken, report({ name: "/p/a.test.ts", tests: { one: "passed" } })).onlyAtFirst).toEqual(["/p/a.test.ts could not be loaded"]);
});

test("a suite of kills that failed once has failed: it is not run again, and a second run of it counts for nothing", () => {
  const first = report(
    { name: "/p/test/e2e/kill-everything.test.ts", tests: { kills: "failed", starts: "passed" } },
    { name: "/p/src/worker/rabbitmq/faults.service.test.ts", tests: {}, status: "failed" },
    { name: "/p/a.test.ts", tests: { one: "failed" } },
  );
  const second = report(
    { name: "/p/test/e2e/kill-everything.test.ts", tests: { kills: "passed", starts: "passed" } },
    { name: "/p/a.test.ts", tests: { one: "passed" } },
  );

  expect(failedFiles(first, "/p")).toEqual(["a.test.ts"]);
  expect(countTests(first, second)).toEqual({
    passed: 2,
    failed: 2,
    onlyAtFirst: ["one"],
    withoutSecond: ["kills", "/p/src/worker/rabbitmq/faults.service.test.ts could not be loaded"],
  });
});

test("the suites without a second run are all there under their names", () => {
  expect(faultSuites.filter((suite) => !existsSync(join(root, suite)))).toEqual([]);
});
