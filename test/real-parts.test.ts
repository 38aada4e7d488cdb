// Suites that need root, Docker, HAProxy or nginx are left out, with a reason, where those are missing; `.ci/run` always runs them.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { edgeMissing } from "./support/edge-router.ts";
import { whyNoSwarm } from "./support/swarm.ts";

describe("suites on real parts", () => {
  it.skipIf(process.env.BACKLOT_CI !== "1" || process.getuid?.() !== 0)("are left out of no run of .ci/run by root", () => {
    expect({ swarm: whyNoSwarm(), edge: edgeMissing() }).toEqual({ swarm: null, edge: null });
  });

  it("are told by .ci/run that they have to run", () => {
    expect(readFileSync(join(import.meta.dirname, "../.ci/run"), "utf8")).toMatch(/^export BACKLOT_CI=1$/m);
  });
});
