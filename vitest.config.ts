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
  if (path.includes("/test/e2e/") || path.endsWith("/operations.service.test.ts")) return 3;
  if (path.includes(".service.test.")) return 2;
  // Those of one project follow each other: a worker goes on with the next file of its own project only.
  return path.includes("/test/") ? 1 : 0;
}

const units = ["src/**/*.test.ts", "web/**/*.test.{ts,tsx}"];
const services = ["src/**/*.service.test.ts", "web/**/*.service.test.ts"];

export default defineConfig({
  test: {
    // Real servers and browsers start slowly on a busy machine; a test that hangs still ends.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    maxWorkers: 4,
    sequence: { sequencer: LongestFirst },
    globalSetup: "test/support/compiled-modules.ts",
    reporters: ["default"],
    projects: [
      // A process of its own for each of some two hundred files would be three quarters of their work: most of it is loading the same modules.
      { extends: true, test: { name: "unit", include: units, exclude: services, isolate: false } },
      { extends: true, test: { name: "real", include: [...services, "test/**/*.test.ts"] } },
    ],
  },
});
