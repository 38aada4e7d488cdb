import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Whole installations and real servers first: begun last, one of them would keep a single worker busy at the end. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((one, other) => weightOf(other.moduleId) - weightOf(one.moduleId));
  }
}

// Stable, so that what is known of their durations still orders files of one weight.
function weightOf(path: string): number {
  if (path.includes("/test/e2e/") || path.endsWith("/operations.service.test.ts")) return 2;
  return path.includes(".service.test.") ? 1 : 0;
}

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts", "web/**/*.test.ts", "web/**/*.test.tsx"],
    // Real servers and browsers start slowly on a busy machine; a test that hangs still ends.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    maxWorkers: 4,
    sequence: { sequencer: LongestFirst },
    reporters: ["default"],
  },
});
