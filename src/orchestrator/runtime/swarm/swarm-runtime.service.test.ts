import { describe } from "vitest";
import { siteRuntimeSuite } from "../../../../test/support/site-runtime-suite.ts";
import { whyNoSwarm } from "../../../../test/support/swarm.ts";
import { swarmRuntimeHarness } from "../../../../test/support/swarm-runtime-harness.ts";

const obstacle = whyNoSwarm();

describe.skipIf(obstacle !== null)(`on a Docker engine${obstacle === null ? "" : ` (skipped: ${obstacle})`}`, () => {
  siteRuntimeSuite("the swarm runtime", () => swarmRuntimeHarness());
});
