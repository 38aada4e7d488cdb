import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Failure } from "#contract/failure.ts";
import { systemClock } from "#kit/clock.ts";
import type { Started } from "#orchestrator/sites/boot-instance.ts";
import { SiteLog } from "#orchestrator/sites/site-log.ts";
import { SiteRunner } from "#orchestrator/sites/site-runner.ts";
import { StartGate } from "#orchestrator/sites/start-gate.ts";
import { quickBackOff } from "../../../../test/support/site-runner-stage.ts";
import { whyNoSwarm } from "../../../../test/support/swarm.ts";
import { plainImage } from "../../../../test/support/swarm-images.ts";
import { type SwarmRuntimeHarness, swarmRuntimeHarness } from "../../../../test/support/swarm-runtime-harness.ts";

const missing = whyNoSwarm();
const poll = { timeout: 60_000 };
const serves = '#!/bin/sh\nexec httpd -f -p "$PORT" -h /site/public\n';

interface Site {
  readonly runner: SiteRunner;
  readonly states: readonly string[];
}

describe.skipIf(missing !== null)(`sites at rest whose engine is killed${missing === null ? "" : ` (${missing})`}`, () => {
  let harness: SwarmRuntimeHarness;
  const logs: SiteLog[] = [];
  beforeAll(async () => {
    harness = await swarmRuntimeHarness({ images: [plainImage] });
  });
  afterAll(async () => {
    await Promise.all(logs.map((log) => log.close()));
    await harness?.[Symbol.asyncDispose]();
  });

  function site(siteId: number): Site {
    const { request } = harness.make({ siteId, files: { "run.sh": serves, "public/index.html": `site ${siteId}` } });
    const states: string[] = [];
    const log = new SiteLog({ folder: join(harness.swarm.folder, `log-${siteId}`), clock: systemClock });
    logs.push(log);
    let keys = 0;
    const newInstance = (): string => {
      keys += 1;
      return `wake-${keys}`;
    };
    const deps = {
      ...{ runtime: harness.runtime, clock: systemClock, bootTimeoutMs: 60_000, graceMs: 1_000, unvisitedMs: 600_000, backOff: quickBackOff },
      ...{ gate: new StartGate({ slots: 8, heldMs: 1_000 }), log, folder: request.folder, newInstance, checkRoom: async () => undefined },
      onStatus: ({ state }: { readonly state: string }) => void states.push(state),
    };
    return { runner: new SiteRunner(deps, request.spec), states };
  }

  const textAt = async ({ address }: Started): Promise<string> => {
    if (!("port" in address)) throw new Error("a site in a swarm has a port");
    return (await fetch(`http://${address.host}:${address.port}/`, { signal: AbortSignal.timeout(60_000) })).text();
  };

  /** What a visitor gets, who comes again when he is told in words that the engine is away, as the page that says so does. */
  async function visit({ runner }: Site): Promise<{ readonly text: string; readonly refusals: number }> {
    for (let refusals = 0; ; refusals += 1) {
      const started = await runner.wake({ isAsked: false }).catch((error: unknown) => {
        if (error instanceof Failure && error.code === "component_away") return null;
        throw error;
      });
      if (started !== null) return { text: await textAt(started), refusals };
    }
  }

  async function atRest(frozen: readonly Site[], asleep: Site): Promise<void> {
    for (const one of [...frozen, asleep]) {
      const { instance } = await one.runner.wake({ isAsked: false });
      if (one === asleep) expect((await one.runner.sleep(instance)).state).toBe("asleep");
      else expect([await one.runner.freeze(instance), one.runner.status.state]).toEqual([true, "frozen"]);
    }
  }

  it("answer visitors who came meanwhile as soon as it is back, and those who come then", { timeout: 400_000 }, async () => {
    const [frozen, later, unwanted, asleep] = [site(1), site(2), site(3), site(4)];
    const [node] = harness.swarm.nodes;
    for (const round of [1, 2]) {
      await atRest([frozen, later, unwanted], asleep);
      await node.stop("SIGKILL");
      await expect.poll(() => harness.runtime.trouble?.(), poll).toMatch(/does not answer/);
      const visits = [frozen, asleep].map(visit);
      // What stands still cannot end without its engine, and is nothing else meanwhile than what it is.
      const resting = unwanted.runner.sleep().catch((error: unknown) => {
        if (!(error instanceof Failure) || error.code !== "component_away") throw error;
        return unwanted.runner.sleep();
      });
      expect([frozen, later].map(({ runner }) => runner.status.state)).toEqual(["frozen", "frozen"]);
      await node.start();
      const backAt = performance.now();
      const seen = await Promise.all(visits);
      const answeredMs = Math.round(performance.now() - backAt);
      expect(seen.map(({ text }) => text)).toEqual(["site 1", "site 4"]);
      expect((await resting).state).toBe("asleep");
      expect((await visit(later)).text).toBe("site 2");
      expect((await visit(unwanted)).text).toBe("site 3");
      process.stdout.write(`round ${round}: an engine that was killed was back, and ${answeredMs} ms later a frozen site and one that slept had answered\n`);
    }
    for (const { states } of [frozen, later, unwanted, asleep]) expect(states).not.toContain("crashed");
    await Promise.all([frozen, later, unwanted, asleep].map(({ runner }) => runner.end("not_ready", 0)));
  });
});
