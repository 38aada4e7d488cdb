import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { processRuntimeHarness } from "../../../../test/support/process-runtime-harness.ts";
import { startHost } from "../../../../test/support/site-runtime-hosting.ts";
import { programsSleepingFor } from "../../../../test/support/sleeping-programs.ts";
import { findCgroupHome } from "./cgroup-plan.ts";
import { findProgram } from "./machine-programs.ts";
import { bootId, identify } from "./process-table.ts";
import { runCommand } from "./run-command.ts";

const isRoot = process.getuid?.() === 0;
const hasBubblewrap = findProgram("bwrap") !== null;
const modes = [...(hasBubblewrap && isRoot ? (["veth"] as const) : []), ...(hasBubblewrap ? (["relay"] as const) : []), "plain" as const];

for (const mode of modes) {
  describe(`after kill -9 of the orchestrator, ${mode}`, () => {
    // Only root can freeze what runs without a sandbox.
    it.each(mode === "plain" && !isRoot ? [false] : [false, true])(
      "leaves no process, and the next one removes what is left on the machine; frozen: %s",
      async (freezes) => {
        await using harness = processRuntimeHarness({ mode });
        const duration = `${randomInt(1e8, 1e9)}.5`;
        // Serves, and hides a process in a session of its own.
        const files = { "run.sh": `#!/bin/sh\nsetsid sleep ${duration} &\nexec node "$(dirname "$0")/program.mjs"\n`, "program.mjs": "" };
        const sites = [1, 2, 3].map((siteId) => ({ siteId, files, isTrusted: true, environment: { BEHAVIOUR: "ignores-signals" } }));
        const { stateFolder, sitesFolder } = harness.options;
        const { installation } = harness;
        const host = await startHost({ stateFolder, sitesFolder, installation, mode, sites, freezes, waits: "until they listen" });
        expect(programsSleepingFor(duration)).toBe(3);
        await host.kill();

        // Without a sandbox what hides outlives its parent, until the next orchestrator looks for it.
        if (mode !== "plain") await expect.poll(() => programsSleepingFor(duration), { timeout: 20_000 }).toBe(0);
        const cleaned = await harness.runtime.cleanUp();
        expect(programsSleepingFor(duration)).toBe(0);
        if (mode === "plain") expect(cleaned).toBeGreaterThanOrEqual(3);
        expect(await traces(installation)).toEqual([]);

        const again = await harness.runtime.start((await harness.site(1, "serves", { isTrusted: true })).request);
        await again.whenListening(AbortSignal.timeout(30_000));
      },
    );
  });
}

describe("what an earlier orchestrator recorded", () => {
  it("is ended when number and start time are the same, and left alone when the number belongs to another by now", async () => {
    await using harness = processRuntimeHarness({ mode: "plain" });
    const [ours, another] = [spawn("sleep", ["300"]), spawn("sleep", ["300"])];
    const [first, second] = [identify(ours.pid ?? 0), identify(another.pid ?? 0)];
    if (first === null || second === null) throw new Error("sleep did not start");
    const folder = join(harness.options.stateFolder, "instances");
    mkdirSync(folder, { recursive: true });
    const write = (name: string, boot: string, processes: readonly unknown[]) =>
      writeFileSync(join(folder, `${name}.json`), JSON.stringify({ boot, processes }));
    write("1-a", bootId(), [first, { ...second, startTime: "1" }]);
    write("2-a", "another boot", [second]);
    writeFileSync(join(folder, "3-a.json"), "{cut off");
    expect(await harness.runtime.cleanUp()).toBe(1);
    expect([identify(first.pid), identify(second.pid)?.pid]).toEqual([null, second.pid]);
    another.kill("SIGKILL");
  });
});

/** What carries an installation's name on this machine. */
async function traces(installation: string): Promise<readonly string[]> {
  const folder = `/run/backlot-${installation}`;
  const cgroups = Object.values(findCgroupHome(readFileSync("/proc/self/mounts", "utf8"), readFileSync("/proc/self/cgroup", "utf8"))?.folders ?? {})
    .flat()
    .map((parent) => `${parent}/backlot-${installation}`);
  const links = isRoot ? (await runCommand([findProgram("ip") ?? "", "-brief", "link"])).stdout : "";
  const tables = isRoot ? (await runCommand([findProgram("nft") ?? "", "list", "tables"])).stdout : "";
  return [
    ...[folder, ...cgroups].filter((path) => existsSync(path)),
    ...(links.match(new RegExp(`bl${installation}-\\d+`, "g")) ?? []),
    ...(tables.match(new RegExp(`backlot_${installation}`, "g")) ?? []),
  ];
}
