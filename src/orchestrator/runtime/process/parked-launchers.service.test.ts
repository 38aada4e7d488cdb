import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { titled, whyNoNetworks } from "../../../../test/support/needs.ts";
import { processRuntimeHarness } from "../../../../test/support/process-runtime-harness.ts";
import { childrenOf } from "./process-table.ts";

const missing = whyNoNetworks();

describe.skipIf(missing !== null)(titled("launchers that wait", missing), () => {
  it("become programs with their limits, and are replaced", async () => {
    await using harness = processRuntimeHarness({ mode: "veth", parkedLaunchers: 2 });
    await harness.runtime.probe();
    const first = await parked(2);
    const { request } = await harness.site(1, "serves");
    const running = await harness.runtime.start(request);
    await running.whenListening(AbortSignal.timeout(20_000));
    expect(first.filter((pid) => commandOf(pid).includes("bwrap"))).toHaveLength(1);
    expect(await parked(2)).not.toEqual(first);
    await running.stop(0);
    await harness.runtime.close();
    expect(waiting()).toEqual([]);
  });

  it("are started anew when somebody has ended them", async () => {
    await using harness = processRuntimeHarness({ mode: "veth", parkedLaunchers: 1 });
    await harness.runtime.probe();
    for (const pid of await parked(1)) process.kill(pid, "SIGKILL");
    await expect.poll(() => waiting(), { timeout: 10_000 }).toEqual([]);
    const running = await harness.runtime.start((await harness.site(1, "serves")).request);
    await running.whenListening(AbortSignal.timeout(20_000));
    await running.stop(0);
    await parked(1);
  });
});

/** Launchers of this process that wait, oldest first. */
function waiting(): readonly number[] {
  return childrenOf(process.pid)
    .map(({ pid }) => pid)
    .filter((pid) => commandOf(pid).includes("park.sh"));
}

async function parked(count: number): Promise<readonly number[]> {
  await expect.poll(() => waiting().length, { timeout: 10_000 }).toBe(count);
  return waiting();
}

function commandOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, "utf8");
}
