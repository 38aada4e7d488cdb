import { join } from "node:path";
import { expect, test } from "vitest";

interface SecondLook {
  failedFiles(report: unknown, root: string): readonly string[];
  countTests(first: unknown, second: unknown): { readonly passed: number; readonly failed: number; readonly onlyAtFirst: readonly string[] };
}

// Plain JavaScript, since the machine's own Node runs it.
const { countTests, failedFiles }: SecondLook = await import(join(import.meta.dirname, "..", "scripts", "second-look.mjs"));

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
  expect(countTests(first, second)).toEqual({ passed: 3, failed: 0, onlyAtFirst: ["two"] });
});

test("what fails twice has failed, also when it fails in another way", () => {
  const first = report({ name: "/p/a.test.ts", tests: { one: "passed", two: "failed" } });

  expect(countTests(first, report({ name: "/p/a.test.ts", tests: { one: "failed", two: "passed" } }))).toEqual({ passed: 1, failed: 1, onlyAtFirst: [] });
  expect(countTests(first, null)).toEqual({ passed: 1, failed: 1, onlyAtFirst: [] });
});

test("a file that cannot be loaded is one failed test", () => {
  const broken = report({ name: "/p/a.test.ts", tests: {}, status: "failed" });

  expect(countTests(broken, null)).toEqual({ passed: 0, failed: 1, onlyAtFirst: [] });
  expect(countTests(broken, report({ name: "/p/a.test.ts", tests: { one: "passed" } })).onlyAtFirst).toEqual(["/p/a.test.ts could not be loaded"]);
});
