import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { ownNetworks } from "./test/support/own-network.ts";

/** Whole installations and real servers first: begun last, one of them would keep a single worker busy at the end. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((one, other) => weightOf(other.moduleId) - weightOf(one.moduleId));
  }
}

/**
 * What takes a minute or more (times of a whole run are in docs/decisions/0059). A clean clone knows no durations and Vitest goes by size,
 * but half of these files only call suites that stand elsewhere: begun last, they kept one worker busy at the end.
 */
const longest = [
  // It idles for ten minutes there.
  "swarm/swarm-pause",
  ...["test/e2e/kill-everything", "src/worker/operations", "src/supervisor/private-postgres", "test/e2e/swarm-sites", "test/e2e/editor", "rabbitmq/faults"],
  ...["test/e2e/site-task", "test/e2e/start-conditions", "test/e2e/ftp-transfers", "test/e2e/task-broker-faults", "test/e2e/orchestrator-kill"],
  ...["test/e2e/many-sites", "swarm/overlay", "process/orphans", "process/process-runtime", "swarm/swarm-faults", "db/stores", "swarm/swarm-runtime"],
].flatMap((path) => [`/${path}.test.ts`, `/${path}.service.test.ts`]);

// Stable, so that what is known of their durations still orders files of one weight.
function weightOf(path: string): number {
  const place = longest.findIndex((end) => path.endsWith(end));
  if (place >= 0) return 4 + longest.length - place;
  if (path.includes("/test/e2e/")) return 3;
  if (path.includes(".service.test.")) return 2;
  // Those of one project follow each other: a worker goes on with the next file of its own project only.
  return path.includes("/test/") ? 1 : 0;
}

const ownNetwork = ownNetworks();
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
      { extends: true, test: { name: "real", include: [...services, "test/**/*.test.ts"], ...(ownNetwork === undefined ? {} : { pool: ownNetwork }) } },
    ],
  },
});
