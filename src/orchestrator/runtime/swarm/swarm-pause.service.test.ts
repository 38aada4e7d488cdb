import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { whyNoSwarm } from "../../../../test/support/swarm.ts";
import { plainImage } from "../../../../test/support/swarm-images.ts";
import { swarmRuntimeHarness } from "../../../../test/support/swarm-runtime-harness.ts";
import type { RunningInstance } from "../site-runtime.ts";

const missing = whyNoSwarm();
const serves = '#!/bin/sh\nexec httpd -f -p "$PORT" -h /site/public\n';
const soon = () => AbortSignal.timeout(60_000);
/** A swarm that ended what does not answer would do it within a minute. Ten, as `.ci/run` wants it, are what freezing is offered for; sites may be frozen for longer, see decision 0058. */
const pausedMs = Number(process.env.BACKLOT_TEST_PAUSE_MS ?? 60_000);

describe.skipIf(missing !== null)(`a pause in a swarm${missing === null ? "" : ` (${missing})`}`, () => {
  async function answer({ address }: RunningInstance): Promise<string> {
    if (!("port" in address)) throw new Error("a site in a swarm has a port");
    return (await fetch(`http://${address.host}:${address.port}/`, { signal: soon() })).text();
  }

  it(`leaves a frozen program where it is for ${pausedMs / 1000} s, and it answers when it goes on`, { timeout: pausedMs + 300_000 }, async () => {
    await using harness = await swarmRuntimeHarness({ images: [plainImage] });
    const [{ docker }] = harness.swarm.nodes;
    const running = await harness.runtime.start(harness.make({ siteId: 1, files: { "run.sh": serves, "public/index.html": "hello" } }).request);
    await running.whenListening(soon());
    /** Every container and every task that the service ever had, and what the swarm thinks of the last. */
    const seen = async () => {
      const containers = await docker.listContainers({ all: true, filters: JSON.stringify({ label: ["backlot.site=1"] }) });
      const tasks = await docker.listTasks({ filters: JSON.stringify({ service: ["site_0001"] }) });
      return {
        containers: containers.map(({ Id: id, State: state }) => `${id.slice(0, 12)} ${state}`),
        tasks: tasks.map(({ ID: id, Status: status, DesiredState: desired }) => `${id} ${status.State} ${desired}`),
      };
    };
    await expect.poll(async () => (await seen()).tasks, { timeout: 60_000 }).toEqual([expect.stringMatching(/ running running$/)]);
    await running.freeze();
    const frozen = await seen();
    expect([frozen.containers, frozen.tasks]).toEqual([[expect.stringMatching(/ paused$/)], [expect.stringMatching(/ running running$/)]]);
    const frozenAt = performance.now();
    while (performance.now() - frozenAt < pausedMs) {
      expect(await seen()).toEqual(frozen);
      await delay(Math.min(10_000, pausedMs / 10));
    }
    const asked = performance.now();
    await running.thaw();
    expect(await answer(running)).toBe("hello");
    process.stdout.write(
      `frozen for ${Math.round((asked - frozenAt) / 1000)} s, it answered ${Math.round(performance.now() - asked)} ms after it was told to go on\n`,
    );
    expect(await seen()).toEqual({ ...frozen, containers: frozen.containers.map((line) => line.replace("paused", "running")) });
    await running.stop(500);
  });
});
