// Suites that need root, or programs of the system, are left out with a reason where those are missing; `.ci/run` always runs them.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { whyNoDebianPostgres } from "./support/debian-postgres.ts";
import { edgeMissing } from "./support/edge-router.ts";
import { whyNoBrowser, whyNoMounts, whyNoProgram, whyNoSandbox, whyNotPython } from "./support/needs.ts";
import { processRuntimeHarness } from "./support/process-runtime-harness.ts";
import { rabbitmqMissing } from "./support/rabbitmq.ts";
import { whyNoSwarm } from "./support/swarm.ts";

describe("suites on real parts", () => {
  it.skipIf(process.env.BACKLOT_CI !== "1" || process.getuid?.() !== 0)("are left out of no run of .ci/run by root", async () => {
    const missing = {
      swarm: whyNoSwarm(),
      edge: edgeMissing(),
      broker: rabbitmqMissing(),
      postgres: await whyNoDebianPostgres(),
      browser: whyNoBrowser(),
      python: whyNotPython(),
      sandbox: whyNoSandbox(),
      mounts: whyNoMounts(),
      ssh: whyNoProgram("ssh", "sftp", "scp", "rsync", "script"),
      ftp: whyNoProgram("lftp", "tnftp", "curl"),
      other: whyNoProgram("redis-server", "supervisord", "git", "openssl", "setpriv", "unshare", "socat"),
    };
    expect(missing).toEqual(Object.fromEntries(Object.keys(missing).map((part) => [part, null])));
  });

  it.skipIf(process.env.BACKLOT_CI !== "1" || process.getuid?.() !== 0)("find a machine on which programs are isolated and all their limits hold", async () => {
    await using harness = processRuntimeHarness();
    const { isolates, missing, limits, freezes, egress } = await harness.runtime.probe();
    expect({ isolates, missing, limits, freezes, egress: egress.isAvailable }).toEqual({
      isolates: true,
      missing: [],
      limits: { memory: true, cpu: true, pids: true },
      freezes: true,
      egress: true,
    });
  });

  it("are told by .ci/run that they have to run", () => {
    expect(readFileSync(join(import.meta.dirname, "../.ci/run"), "utf8")).toMatch(/^export BACKLOT_CI=1$/m);
  });
});
