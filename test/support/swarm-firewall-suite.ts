// What keeps sites of a swarm apart, when it is taken away or the swarm changes; called by `swarm-isolation.service.test.ts`.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { findProgram } from "#orchestrator/runtime/process/machine-programs.ts";
import { mustRun, runCommand } from "#orchestrator/runtime/process/run-command.ts";
import type { RunningInstance, SiteRuntime } from "#orchestrator/runtime/site-runtime.ts";
import type { SwarmNode } from "./swarm.ts";
import type { SwarmRuntimeHarness } from "./swarm-runtime-harness.ts";

interface Opened {
  readonly harness: SwarmRuntimeHarness;
  /** Serves, on the first node. */
  readonly neighbour: RunningInstance;
  /** Of the second node, with nothing of this orchestrator's on it. */
  readonly far: () => { readonly node: SwarmNode; readonly again: (inEngineNetwork?: readonly string[]) => SiteRuntime };
}

const [nft, ip, busybox] = ["nft", "ip", "busybox"].map((name) => findProgram(name) ?? name) as [string, string, string];
const patience = { timeout: 30_000, interval: 50 };
/** Says again and again whether somebody answers at an address. */
const watches = `#!/bin/sh
httpd -p "$PORT" -h /site/public
while :; do
  if nc -w 1 "\${TARGET%:*}" "\${TARGET##*:}" </dev/null >/dev/null 2>&1; then echo open; else echo closed; fi
  sleep 0.1
done
`;
/** Of machines that have public addresses. */
const lateAddress = "198.51.100.77";
const latePort = 8_098;

/** Its tests belong together, in this order; after them the second node is known by another address. */
export function swarmFirewallSuite(opened: () => Opened): void {
  const tablesOf = async ({ inNetwork }: SwarmNode): Promise<readonly string[]> => {
    const listed = await mustRun([...inNetwork, nft, "list", "tables"]);
    return [...listed.matchAll(/^table (\w+ backlot_swarm_\w+)$/gm)].flatMap(([, name]) => name ?? []).toSorted();
  };
  /** As another tool does that begins with the rules of its own. */
  const takeAway = async (node: SwarmNode): Promise<void> => {
    for (const table of await tablesOf(node)) await mustRun([...node.inNetwork, nft, "delete", "table", ...table.split(" ")]);
  };
  const containerOf = async ({ docker }: SwarmNode, siteId: number) => {
    const [container] = await docker.listContainers({ filters: JSON.stringify({ label: [`backlot.site=${siteId}`] }) });
    return container;
  };
  /** A site that says whether it reaches a target, and what it has said last. */
  const watcher = async (given: { readonly siteId: number; readonly egress: "none" | "internet"; readonly target: string }) => {
    const { harness } = opened();
    const { siteId, egress, target } = given;
    const { request, printed } = harness.make({ siteId, egress, environment: { TARGET: target }, files: { "run.sh": watches } });
    const running = await harness.runtime.start(request);
    const lines = () => [...printed().matchAll(/^(?:open|closed)$/gm)].map(([word]) => word);
    await expect.poll(lines, patience).not.toEqual([]);
    return { lines, running };
  };

  it("stay apart when another tool takes their rules away: those that run, and those that are started next", { timeout: 180_000 }, async () => {
    const { harness, neighbour } = opened();
    const [node] = harness.swarm.nodes;
    const inner = (await containerOf(node, neighbour.siteId))?.NetworkSettings.Networks.bridge?.IPAddress ?? "";
    expect(inner).toMatch(/^172\.30\./);
    const before = await watcher({ siteId: 60, egress: "none", target: `${inner}:8080` });
    expect(before.lines()).not.toContain("open");
    const tables = await tablesOf(node);
    await takeAway(node);
    const takenAt = performance.now();
    const after = await watcher({ siteId: 61, egress: "none", target: `${inner}:8080` });
    await expect.poll(() => tablesOf(node), patience).toEqual(tables);
    process.stdout.write(`rules that were taken away are there again, at the latest after ${Math.round(performance.now() - takenAt)} ms\n`);
    expect(after.lines()).not.toContain("open");
    const seen = before.lines().length;
    await expect.poll(() => before.lines().length, patience).toBeGreaterThan(seen + 4);
    // What was under way when they were set again may have been answered.
    expect(before.lines().slice(seen + 1)).not.toContain("open");
    expect(await harness.runtime.trouble?.()).toBeNull();
    await Promise.all([before.running.stop(0), after.running.stop(0)]);
  });

  it("are refused in words while their rules cannot be set, and their node says why it can start nothing", { timeout: 180_000 }, async () => {
    const { harness, far } = opened();
    const { node, again } = far();
    const isBroken = join(harness.swarm.folder, "nft-is-broken");
    const runtime = again(["/bin/sh", "-c", `test ! -e ${isBroken} || { echo it is broken >&2; exit 1; }; exec "$@"`, "sh", ...node.inNetwork]);
    const words = /cannot be kept apart.*it is broken/;
    const starting = () => runtime.start(harness.make({ siteId: 62, files: { "run.sh": watches } }).request);
    expect(await runtime.probe()).toMatchObject({ isolates: true, missing: [] });
    expect(await runtime.trouble?.()).toBeNull();
    writeFileSync(isBroken, "");
    await takeAway(node);
    await expect.poll(() => runtime.trouble?.(), patience).toMatch(words);
    await expect(starting()).rejects.toMatchObject({ code: "isolation_missing", details: { missing: [expect.stringMatching(words)] } });
    expect(await runtime.probe()).toMatchObject({ isolates: false, missing: [expect.stringMatching(words)] });
    rmSync(isBroken);
    await expect.poll(() => runtime.trouble?.(), patience).toBeNull();
    expect(await tablesOf(node)).not.toEqual([]);
    await (await starting()).stop(0);
    await runtime.close();
  });

  it("get no more memory by swap, whatever the engine would allow", async () => {
    const { harness, neighbour } = opened();
    const [node] = harness.swarm.nodes;
    const { Id: id = "" } = (await containerOf(node, neighbour.siteId)) ?? {};
    const { State: state, HostConfig: host } = await node.docker.getContainer(id).inspect();
    const groups = readFileSync(`/proc/${state.Pid}/cgroup`, "utf8");
    const folder = join("/sys/fs/cgroup/memory", /^\d+:memory:(.*)$/m.exec(groups)?.[1] ?? "");
    const one = join("/sys/fs/cgroup", /^0::(.*)$/m.exec(groups)?.[1] ?? "", "memory.swap.max");
    if (existsSync(one)) expect(readFileSync(one, "utf8").trim()).toBe("0");
    else expect(Number(readFileSync(join(folder, "memory.memsw.limit_in_bytes"), "utf8"))).toBe(host.Memory);
  });

  it("do not reach a node that joins later, whatever its address", { timeout: 180_000 }, async () => {
    const { harness, far } = opened();
    const [first] = harness.swarm.nodes;
    const { node } = far();
    let server: ChildProcess | null = null;
    await node.docker.swarmLeave({ force: true });
    await mustRun([...node.inNetwork, ip, "address", "add", `${lateAddress}/32`, "dev", "eth0"]);
    await mustRun([...node.inNetwork, ip, "route", "replace", `${first.address}/32`, "dev", "eth0", "src", lateAddress]);
    await mustRun([...first.inNetwork, ip, "route", "add", `${lateAddress}/32`, "dev", "eth0"]);
    try {
      const [file = "", ...rest] = [...node.inNetwork, busybox, "httpd", "-f", "-p", `0.0.0.0:${latePort}`, "-h", harness.swarm.folder];
      server = spawn(file, rest, { cwd: "/", stdio: "ignore", env: {} });
      const ask = [...first.inNetwork, busybox, "nc", "-w", "3", lateAddress, String(latePort)];
      await expect.poll(async () => (await runCommand(ask)).code, patience).toBe(0);
      const { lines, running } = await watcher({ siteId: 63, egress: "internet", target: `${lateAddress}:${latePort}` });
      // While it is no node of the swarm it is a machine of the internet.
      await expect.poll(() => lines().at(-1), patience).toBe("open");
      const { JoinTokens: tokens } = (await first.docker.swarmInspect()) as unknown as { readonly JoinTokens: { readonly Worker: string } };
      await node.docker.swarmJoin({
        AdvertiseAddr: lateAddress,
        ListenAddr: `${lateAddress}:2377`,
        RemoteAddrs: [`${first.address}:2377`],
        JoinToken: tokens.Worker,
      });
      const joinedAt = performance.now();
      await expect.poll(() => lines().at(-1), patience).toBe("closed");
      process.stdout.write(`a node that joined was closed to sites at the latest after ${Math.round(performance.now() - joinedAt)} ms\n`);
      await running.stop(0);
    } finally {
      server?.kill("SIGKILL");
    }
  });
}
