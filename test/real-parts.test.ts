// Suites that need root, or programs of the system, are left out with a reason in their title where those are missing; `.ci/run` always runs them.
// Not demanded is systemd-analyze: a Debian without systemd has none.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { whyNoDebianPostgres } from "./support/debian-postgres.ts";
import { edgeMissing } from "./support/edge-router.ts";
import {
  firstMissing,
  titled,
  whyNoBrowser,
  whyNoMounts,
  whyNoNetworks,
  whyNoProgram,
  whyNoSandbox,
  whyNoSupervisor,
  whyNotPython,
  whyNotRoot,
  whyNoWarmSandbox,
} from "./support/needs.ts";
import { processRuntimeHarness } from "./support/process-runtime-harness.ts";
import { rabbitmqMissing } from "./support/rabbitmq.ts";
import { whyNoSwarm } from "./support/swarm.ts";

const notThere = firstMissing(process.env.BACKLOT_CI === "1" ? null : "not .ci/run", whyNotRoot());

describe("suites on real parts", () => {
  it.skipIf(notThere !== null)(titled("are left out of no run of .ci/run by root", notThere), async () => {
    const missing = {
      swarm: whyNoSwarm(),
      edge: edgeMissing(),
      broker: rabbitmqMissing(),
      postgres: await whyNoDebianPostgres(),
      browser: whyNoBrowser(),
      python: whyNotPython(),
      sandbox: whyNoSandbox(),
      networks: whyNoNetworks(),
      warmSandbox: countsMemoryByVersionOne() ? whyNoWarmSandbox() : null,
      mounts: whyNoMounts(),
      supervisor: whyNoSupervisor(),
      ssh: whyNoProgram("ssh", "sftp", "scp", "rsync", "script"),
      ftp: whyNoProgram("lftp", "tnftp", "curl"),
      other: whyNoProgram("redis-server", "git", "openssl", "setpriv", "unshare", "socat"),
    };
    expect(missing).toEqual(Object.fromEntries(Object.keys(missing).map((part) => [part, null])));
  });

  it.skipIf(notThere !== null)(titled("find a machine on which programs are isolated and all their limits hold", notThere), async () => {
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

/** Whether the kernel has the memory controller in a hierarchy of its own, wherever that is mounted. */
function countsMemoryByVersionOne(): boolean {
  return /^memory\s+[1-9]/m.test(readFileSync("/proc/cgroups", "utf8"));
}
