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
