import { readdirSync } from "node:fs";
import { request } from "node:http";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { titled, whyNoNetworks } from "../../../../test/support/needs.ts";
import { processRuntimeHarness } from "../../../../test/support/process-runtime-harness.ts";
import { firewallTable } from "./firewall-rules.ts";
import { findProgram } from "./machine-programs.ts";
import { runCommand } from "./run-command.ts";

const missing = whyNoNetworks();
const soon = () => AbortSignal.timeout(50_000);

describe.skipIf(missing !== null)(titled("networks of sites", missing), () => {
  it("starts twenty programs at once, each with an address that answers for it alone", async () => {
    await using harness = processRuntimeHarness({ mode: "veth", warmNetworks: 2 });
    const running = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const { request: start } = await harness.site(index + 1, "serves");
        const program = await harness.runtime.start(start);
        await program.whenListening(soon());
        return program;
      }),
    );
    const addresses = running.map(({ address }) => ("host" in address ? `http://${address.host}:${address.port}` : ""));
    expect(new Set(addresses).size).toBe(20);
    const answers = await Promise.all(addresses.map((address, index) => get(`${address}/${index}`)));
    expect(answers).toEqual(running.map((_, index) => `hello from /${index}`));
    await Promise.all(running.map((program) => program.stop(2000)));
  });

  it("shares the machine with another Backlot, and leaves nothing on it", async () => {
    const first = processRuntimeHarness({ mode: "veth" });
    const second = processRuntimeHarness({ mode: "veth" });
    const hosts = await Promise.all(
      [first, second].map(async (harness) => {
        const program = await harness.runtime.start((await harness.site(1, "serves")).request);
        await program.whenListening(soon());
        return "host" in program.address ? program.address.host : "";
      }),
    );
    expect(new Set(hosts).size).toBe(2);
    expect(await linksOf(first.installation)).not.toEqual([]);
    await first[Symbol.asyncDispose]();
    await second[Symbol.asyncDispose]();
    for (const { installation } of [first, second]) {
      // The kernel takes a namespace apart after its last holder has gone.
      await expect.poll(() => linksOf(installation), { timeout: 20_000 }).toEqual([]);
      expect((await runCommand([findProgram("nft") ?? "", "list", "tables"])).stdout).not.toContain(installation);
    }
  });

  it("refuses at once what is sent to a program that has gone, instead of asking the network outside", async () => {
    await using harness = processRuntimeHarness({ mode: "veth" });
    const program = await harness.runtime.start((await harness.site(1, "serves")).request);
    await program.whenListening(soon());
    const address = "host" in program.address ? `http://${program.address.host}:${program.address.port}/` : "";
    expect(await get(address)).toBe("hello from /");
    await program.stop(0);
    // The interface goes with the namespace; from then on only the default route leads to the address.
    const routed = async () => (await runCommand([findProgram("ip") ?? "", "route", "get", new URL(address).hostname])).stdout;
    await expect.poll(routed, { timeout: 20_000 }).not.toContain(`dev bl${harness.installation}-`);
    await expect(get(address)).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  it("gives an address to no other program until it has rested", async () => {
    let now = 1_000_000;
    await using harness = processRuntimeHarness({ mode: "veth", warmNetworks: 1, quarantineMs: 60_000, clock: { now: () => now, isSteady: true } });
    const used: string[] = [];
    for (let round = 0; round < 6; round += 1) {
      const program = await harness.runtime.start((await harness.site(round + 1, "serves")).request);
      used.push("host" in program.address ? program.address.host : "");
      await program.stop(0);
      now += 1000;
    }
    expect(new Set(used).size).toBe(6);
  });

  it("keeps programs from the machine again when another tool takes the rules away", async () => {
    await using harness = processRuntimeHarness({ mode: "veth" });
    const table = firewallTable(harness.installation);
    const rules = async () => (await runCommand([findProgram("nft") ?? "", "list", "table", "inet", table])).stdout;
    const program = await harness.runtime.start((await harness.site(1, "serves")).request);
    await program.whenListening(soon());
    expect(await harness.runtime.trouble?.()).toBeNull();
    const before = await rules();
    expect(before).toContain(`iifname "bl${harness.installation}-*" drop`);
    await runCommand([findProgram("nft") ?? "", "delete", "table", "inet", table]);
    await expect.poll(rules, { timeout: 20_000 }).toBe(before);

    expect(await harness.runtime.trouble?.()).toBeNull();
    const next = await harness.runtime.start((await harness.site(2, "serves")).request);
    await next.whenListening(soon());
  });

  it("holds no descriptor of programs that have gone", async () => {
    // Launchers that wait hold descriptors of their own, and are made when nobody looks.
    await using harness = processRuntimeHarness({ mode: "veth", parkedLaunchers: 0, warmNetworks: 1 });
    const once = async () => {
      const program = await harness.runtime.start((await harness.site(1, "exits-3")).request);
      await program.exited;
    };
    await once();
    const before = readdirSync("/proc/self/fd").length;
    for (let round = 0; round < 6; round += 1) await once();
    // The pool may be between two sizes.
    await expect.poll(() => readdirSync("/proc/self/fd").length, { timeout: 20_000 }).toBeLessThanOrEqual(before + 3);
  });
});

async function linksOf(installation: string): Promise<readonly string[]> {
  const { stdout } = await runCommand([findProgram("ip") ?? "", "-brief", "link"]);
  return stdout.match(new RegExp(`bl${installation}-\\d+`, "g")) ?? [];
}

async function get(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    request(url, { agent: false }, (response) => resolve(text(response)))
      .once("error", reject)
      .end();
  });
}
