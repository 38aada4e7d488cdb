import { once } from "node:events";
import { rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { firstMissing, titled, whyNoSandbox, whyNotRoot } from "../../../../test/support/needs.ts";
import { type ProcessRuntimeHarness, processRuntimeHarness } from "../../../../test/support/process-runtime-harness.ts";
import { programsSleepingFor } from "../../../../test/support/sleeping-programs.ts";
import { findProgram } from "./machine-programs.ts";
import { runCommand } from "./run-command.ts";

const missing = firstMissing(whyNotRoot(), whyNoSandbox());
const poll = { timeout: 30_000, interval: 10 };
const soon = () => AbortSignal.timeout(30_000);
const serve = "require('http').createServer((q, s) => s.end(String(process.pid))).listen(process.env.PORT, process.env.HOST);";

/** The number once nothing more is on its way. */
async function settled(read: () => number): Promise<number> {
  for (let before = read(); ; before = read()) {
    await delay(100);
    if (read() === before) return before;
  }
}

describe.skipIf(missing !== null)(titled("a frozen program", missing), () => {
  let harness: ProcessRuntimeHarness;
  beforeAll(async () => {
    harness = processRuntimeHarness();
    await harness.runtime.probe();
  });
  afterAll(() => harness[Symbol.asyncDispose]());

  const start = async (siteId: number, script: string) => {
    const { request } = harness.make({ siteId, isTrusted: true, files: { "run.sh": `#!/bin/sh\n${script}\n` } });
    const running = await harness.runtime.start(request);
    await running.whenListening(soon());
    return { running };
  };

  it("keeps the connections that it has, as to a database", async () => {
    const { request } = harness.make({ siteId: 41 });
    const socket = join(request.folder, "outward.sock");
    const heard: Socket[] = [];
    let received = "";
    const server = createServer((peer) => {
      heard.push(peer.on("error", () => peer.destroy()));
      peer.on("data", (chunk) => {
        received += String(chunk);
      });
    });
    server.listen({ path: socket, readableAll: true, writableAll: true });
    await once(server, "listening");
    const outward = "const c = require('net').connect('/site/outward.sock'); setInterval(() => c.write('.'), 10);";
    const { running } = await start(41, `exec node -e "${serve} ${outward}"`);
    await expect.poll(() => received.length, poll).toBeGreaterThan(2);
    await running.freeze();
    const sent = await settled(() => received.length);
    await delay(200);
    expect(received.length).toBe(sent);
    await running.thaw();
    await expect.poll(() => received.length, poll).toBeGreaterThan(sent);
    expect(heard).toHaveLength(1);
    await running.stop(2_000);
    for (const peer of heard) peer.destroy();
    server.close();
    rmSync(socket, { force: true });
  });

  it("that the kernel has ended for its memory is found ended as soon as it would go on", async () => {
    const duration = "73459201.5";
    const { running } = await start(42, `setsid sleep ${duration} & exec node -e "/* ${duration} */ ${serve}"`);
    await running.freeze();
    expect(programsSleepingFor(duration)).toBe(1);
    // As the kernel does it. What holds the sandbox together stands still, too, and sees it when it goes on.
    await runCommand([findProgram("pkill") ?? "/usr/bin/pkill", "-KILL", "-f", duration]);
    await expect.poll(() => programsSleepingFor(duration), poll).toBe(0);
    await running.thaw();
    expect(await running.exited).toEqual({ code: null, signal: "SIGKILL", isOutOfMemory: false });
    await running.freeze();
    await running.thaw();
    await running.stop(0);
  });

  it("leaves alone the tasks and terminals of its site", async () => {
    const { running } = await start(43, `exec node -e "${serve}"`);
    await running.freeze();
    const { request, printed } = await harness.run("beside", "tells", { siteId: 43 });
    const run = await harness.runtime.run(request);
    expect([(await run.exited).code, printed("stdout")]).toEqual([3, expect.stringContaining("it runs")]);
    const entered = await harness.runtime.enter({ ...(await harness.enter("beside", "dies-by-signal", null)), key: "beside" });
    expect((await entered.exited).signal).toBe("SIGABRT");
    await running.stop(2_000);
  });

  it("takes no time of the processor, and goes on within milliseconds", async () => {
    const { running } = await start(44, `exec node -e "${serve}"`);
    if (!("host" in running.address)) throw new Error("it has no network of its own");
    const times: number[] = [];
    for (let round = 0; round < 20; round += 1) {
      await running.freeze();
      const beganAt = performance.now();
      await running.thaw();
      times.push(performance.now() - beganAt);
    }
    // The median: the machine may be busy with something else once in a while.
    expect(times.toSorted((a, b) => a - b)[10]).toBeLessThan(20);
    await running.stop(2_000);
  });
});
