import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { takeBridgePorts } from "../../../../test/support/bridge-ports.ts";
import { whyNoSwarm } from "../../../../test/support/swarm.ts";
import { plainImage } from "../../../../test/support/swarm-images.ts";
import { type SwarmRuntimeHarness, swarmRuntimeHarness } from "../../../../test/support/swarm-runtime-harness.ts";
import type { RunningInstance } from "../site-runtime.ts";
import { mostPorts, portsOnBridge } from "./bridge-room.ts";

const missing = whyNoSwarm() ?? (process.env.BACKLOT_TEST_LARGE === "1" ? null : "BACKLOT_TEST_LARGE is not 1: it takes a quarter of an hour");
const serves = '#!/bin/sh\nexec httpd -f -p "$PORT" -h /site/public\n';
const soon = () => AbortSignal.timeout(60_000);
const pausedMs = Number(process.env.BACKLOT_TEST_PAUSE_MS ?? 600_000);

describe.skipIf(missing !== null)(`what takes long or much in a swarm${missing === null ? "" : ` (${missing})`}`, () => {
  async function started(harness: SwarmRuntimeHarness, siteId: number): Promise<RunningInstance> {
    const running = await harness.runtime.start(harness.make({ siteId, files: { "run.sh": serves, "public/index.html": "hello" } }).request);
    await running.whenListening(soon());
    return running;
  }

  async function answer({ address }: RunningInstance): Promise<string> {
    if (!("port" in address)) throw new Error("a site in a swarm has a port");
    return (await fetch(`http://${address.host}:${address.port}/`, { signal: soon() })).text();
  }

  it.concurrent("leaves a frozen program where it is for ten minutes, and it answers when it goes on", { timeout: pausedMs + 300_000 }, async () => {
    await using harness = await swarmRuntimeHarness({ images: [plainImage] });
    const [{ docker }] = harness.swarm.nodes;
    const running = await started(harness, 1);
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

  it.concurrent("carries more programs than a /24 has addresses, up to the kernel's ports, and refuses the next one in words", {
    timeout: 1_200_000,
  }, async () => {
    await using harness = await swarmRuntimeHarness({ images: [plainImage], bridgeBits: 20 });
    const [node] = harness.swarm.nodes;
    const { docker } = node;
    const fillTo = async (count: number): Promise<void> => {
      const from = (await docker.listContainers()).length;
      let next = from;
      const fill = async (): Promise<void> => {
        while (next < count) {
          next += 1;
          const container = await docker.createContainer({ Image: plainImage, Cmd: ["sleep", "100000"], HostConfig: { NetworkMode: "bridge" } });
          await container.start();
        }
      };
      await Promise.all([fill(), fill(), fill()]);
      expect(await docker.listContainers()).toHaveLength(count);
    };
    const beganAt = performance.now();
    await fillTo(299);
    const at300 = await started(harness, 2);
    expect(await answer(at300)).toBe("hello");
    process.stdout.write(`${Math.round((performance.now() - beganAt) / 1000)} s to 300 programs on one bridge\n`);
    await using _others = await takeBridgePorts(node, mostPorts - 1 - (await portsOnBridge(node.inNetwork)));
    const last = await started(harness, 3);
    expect([await answer(at300), await answer(last)]).toEqual(["hello", "hello"]);
    process.stdout.write(`${Math.round((performance.now() - beganAt) / 1000)} s to ${mostPorts} ports\n`);
    await expect(harness.runtime.start(harness.make({ siteId: 4, files: { "run.sh": serves } }).request)).rejects.toMatchObject({
      code: "machine_full",
      message: "This machine has no room to start another program now. Try again in a minute.",
    });
    // The kernel's own words, which nobody should have to read.
    const beyond = await docker.createContainer({ Image: plainImage, Cmd: ["true"], HostConfig: { NetworkMode: "bridge" } });
    await expect(beyond.start()).rejects.toThrow(/exchange full/i);
    await beyond.remove({ force: true });
    await last.stop(500);
    expect(await answer(await started(harness, 4))).toBe("hello");
  });
});
