import { randomInt } from "node:crypto";
import { describe, expect, it } from "vitest";
import { processRuntimeHarness } from "../../../../test/support/process-runtime-harness.ts";
import { startHost } from "../../../../test/support/site-runtime-hosting.ts";
import { programsSleepingFor } from "../../../../test/support/sleeping-programs.ts";
import { findProgram } from "./machine-programs.ts";

const modes = [...(findProgram("bwrap") === null ? [] : (["auto"] as const)), "plain" as const];

describe.each(modes)("after kill -9 of the orchestrator, %s", (mode) => {
  it("nothing of a terminal is left, not even what was put into the background", async () => {
    await using harness = processRuntimeHarness({ mode });
    const duration = `${randomInt(1e8, 1e9)}.5`;
    const { stateFolder, sitesFolder } = harness.options;
    const typed = [`setsid sleep ${duration} & echo rea''dy`];
    const host = await startHost({ stateFolder, sitesFolder, installation: harness.installation, mode, sites: [], typed, waits: "until they end" });
    expect(host.report.shown[0]).toContain("ready\r\n");
    await expect.poll(() => programsSleepingFor(duration), { timeout: 20_000 }).toBe(1);
    await host.kill();
    if (mode !== "plain") await expect.poll(() => programsSleepingFor(duration), { timeout: 20_000 }).toBe(0);
    await harness.runtime.cleanUp();
    expect(programsSleepingFor(duration)).toBe(0);
  });
});
