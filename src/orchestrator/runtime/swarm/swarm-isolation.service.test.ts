import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type SwarmNode, until, whyNoSwarm } from "../../../../test/support/swarm.ts";
import { swarmDatagramSuite } from "../../../../test/support/swarm-datagrams.ts";
import { swarmFirewallSuite } from "../../../../test/support/swarm-firewall-suite.ts";
import { plainImage } from "../../../../test/support/swarm-images.ts";
import { shownBy, swarmLimitsSuite } from "../../../../test/support/swarm-limits-suite.ts";
import { type SwarmRuntimeHarness, swarmRuntimeHarness } from "../../../../test/support/swarm-runtime-harness.ts";
import { findProgram } from "../process/machine-programs.ts";
import { mustRun, runCommand } from "../process/run-command.ts";
import type { RunningInstance, SiteRuntime } from "../site-runtime.ts";
import { firewallTable } from "./firewall-plan.ts";

const missing = whyNoSwarm();
/** Says of every target whether somebody answers there, and what rights it has itself. */
const asks = `for target in $TARGETS; do
  (if nc -w 3 "\${target%:*}" "\${target##*:}" </dev/null >/dev/null 2>&1; then echo "$target open"; else echo "$target closed"; fi) &
done
wait
grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status
echo "addresses of IPv6: $(wc -l </proc/net/if_inet6)"
echo "the root: $(grep ' / ' /proc/mounts)"
touch /written 2>/dev/null && echo "the root is writable"
id
echo asked
`;
const platformPort = 8_099;
const outside = "203.0.113.9";
const metadata = "169.254.169.254";
const soon = () => AbortSignal.timeout(60_000);

describe.skipIf(missing !== null)(`sites in a swarm${missing === null ? "" : ` (${missing})`}`, () => {
  let harness: SwarmRuntimeHarness;
  let neighbour: RunningInstance;
  /** On another node. */
  let farNeighbour: RunningInstance;
  let far: SiteRuntime;
  let farNode: SwarmNode;
  const servers: ChildProcess[] = [];
  beforeAll(async () => {
    // The engine's own rules let neighbours on its bridge meet, and the kernel asks nobody about them: only ours are left.
    harness = await swarmRuntimeHarness({ images: [plainImage], nodes: 2, dockerdArguments: ["--icc=true"] });
    for (const { inNetwork } of harness.swarm.nodes) await mustRun([...inNetwork, "/bin/sh", "-c", "echo 0 >/proc/sys/net/bridge/bridge-nf-call-iptables"]);
    await openPlaces();
    farNode = harness.swarm.nodes[1] ?? harness.swarm.nodes[0];
    far = onFarNode();
    const serving = (siteId: number) => harness.make({ siteId, files: { "run.sh": '#!/bin/sh\nexec httpd -f -p "$PORT" -h /site/public\n' } }).request;
    [neighbour, farNeighbour] = await Promise.all([harness.runtime.start(serving(2)), far.start(serving(6))]);
    await Promise.all([neighbour.whenListening(soon()), farNeighbour.whenListening(soon())]);
  });
  afterAll(async () => {
    for (const server of servers) server.kill("SIGKILL");
    await harness?.[Symbol.asyncDispose]();
  });

  function onFarNode(given: Parameters<SwarmRuntimeHarness["again"]>[0] = {}): SiteRuntime {
    const [{ host }] = harness.swarm.nodes;
    return harness.again({ engine: { host: farNode.host }, managers: [{ host }], inEngineNetwork: farNode.inNetwork, ...given });
  }

  /** The platform listens on the node's own addresses, the metadata service's among them; the internet lies behind another router. */
  async function openPlaces(): Promise<void> {
    const { swarm } = harness;
    const [node] = swarm.nodes;
    const ip = findProgram("ip") ?? "ip";
    const between = swarm.network.replace(".0/24", ".253");
    await mustRun([...swarm.inBetween, ip, "address", "add", `${between}/24`, "dev", "br0"]);
    await mustRun([...swarm.inBetween, ip, "link", "set", "lo", "up"]);
    await mustRun([...swarm.inBetween, ip, "address", "add", `${outside}/32`, "dev", "lo"]);
    await mustRun([...node.inNetwork, ip, "route", "add", `${outside}/32`, "via", between]);
    await mustRun([...node.inNetwork, ip, "address", "add", `${metadata}/32`, "dev", "lo"]);
    for (const place of [node.inNetwork, swarm.inBetween]) await serve(place);
  }

  async function serve(place: readonly string[]): Promise<void> {
    const busybox = findProgram("busybox") ?? "busybox";
    const www = join(harness.swarm.folder, "www");
    mkdirSync(www, { recursive: true });
    const [file = "", ...rest] = [...place, busybox, "httpd", "-f", "-p", `0.0.0.0:${platformPort}`, "-h", www];
    servers.push(spawn(file, rest, { cwd: "/", stdio: "ignore", env: {} }));
    await until(async () => (await reaches(place, "127.0.0.1", platformPort)) || (await reaches(place, outside, platformPort)), 20_000);
  }

  async function reaches(place: readonly string[], host: string, port: number): Promise<boolean> {
    const { code } = await runCommand([...place, findProgram("busybox") ?? "busybox", "nc", "-w", "3", host, String(port)]);
    return code === 0;
  }

  async function targetsOf(): Promise<readonly string[]> {
    const [node] = harness.swarm.nodes;
    const [address, far] = [placeOf(neighbour), placeOf(farNeighbour)];
    const [container] = await node.docker.listContainers({ filters: JSON.stringify({ label: ["backlot.site=2"] }) });
    const inner = container?.NetworkSettings.Networks.bridge?.IPAddress ?? "";
    expect(inner).toMatch(/^172\.30\./);
    // What IPv6 would call it on their bridge, by its hardware's address.
    const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = (container?.NetworkSettings.Networks.bridge?.MacAddress ?? "")
      .split(":")
      .map((byte) => Number.parseInt(byte, 16));
    const linkLocal = [(a ^ 2) * 256 + b, c * 256 + 255, 0xfe00 + d, e * 256 + f].map((word) => word.toString(16)).join(":");
    return [
      `${inner}:8080`,
      `fe80::${linkLocal}%eth0:8080`,
      `${address.host}:${address.port}`,
      `${far.host}:${far.port}`,
      `172.30.1.1:${address.port}`,
      `172.30.1.1:${platformPort}`,
      `${node.address}:${platformPort}`,
      `${node.address}:2377`,
      `${metadata}:${platformPort}`,
      `${harness.swarm.network.replace(".0/24", ".253")}:${platformPort}`,
      `${outside}:${platformPort}`,
    ];
  }

  const openIn = (text: string): readonly string[] => [...text.matchAll(/^(\S+) open$/gm)].map((match) => match[1] ?? "");

  /** What a site's program finds. */
  async function ask(siteId: number, egress: "none" | "internet"): Promise<string> {
    const environment = { TARGETS: (await targetsOf()).join(" ") };
    const files = { "run.sh": `#!/bin/sh\n${asks}exec httpd -f -p "$PORT" -h /site/public\n` };
    const { request, printed } = harness.make({ siteId, egress, environment, files });
    const running = await harness.runtime.start(request);
    await running.whenListening(soon());
    await expect.poll(printed, { timeout: 30_000 }).toContain("asked\n");
    await running.stop(1_000);
    return printed();
  }

  async function expectNothingReached(text: string): Promise<void> {
    expect(openIn(text)).toEqual([]);
    expect([...text.matchAll(/ closed$/gm)]).toHaveLength((await targetsOf()).length);
    // Nor do they have rights, or gain any, and they belong to their own user.
    expect(text).toMatch(/CapEff:\s+0{16}\n/);
    expect(text).toMatch(/CapBnd:\s+0{16}\n/);
    expect(text).toMatch(/NoNewPrivs:\s+1\n/);
    expect(text).toMatch(/Seccomp:\s+2\n/);
    // Nor do they meet by IPv6, which the rules do not speak of.
    expect(text).toContain("addresses of IPv6: 0\n");
    expect(text).toMatch(/^the root: \S+ \/ \S+ ro,/m);
    expect(text).not.toContain("the root is writable");
    expect(text).toContain("uid=2000003 gid=2000003");
  }

  it("answer their routers on every node, on that node's address", async () => {
    const places = [neighbour, farNeighbour].map(placeOf);
    expect(places.map(({ host }) => host)).toEqual(harness.swarm.nodes.map(({ address }) => address));
    for (const { host, port } of places) expect((await fetch(`http://${host}:${port}/`, { signal: soon() })).status).toBe(404);
  });

  it("answer nobody else on other machines", async () => {
    // Whoever comes after it sets rules of his own.
    await far.close();
    const stranger = onFarNode({ routers: ["192.0.2.1"] });
    const address = placeOf(farNeighbour);
    // A stranger's packets are dropped, so nothing comes back.
    await stranger.probe();
    const fetched = fetch(`http://${address.host}:${address.port}/`, { signal: AbortSignal.timeout(1_500) });
    await expect(fetched).rejects.toMatchObject({ name: "TimeoutError" });
    await stranger.close();
    await using next = closing(onFarNode());
    await next.runtime.probe();
    await expect.poll(() => fetch(`http://${address.host}:${address.port}/`, { signal: soon() }).then(({ status }) => status), { timeout: 20_000 }).toBe(404);
  });

  it("reach neither each other, nor the platform, nor the metadata address, nor anything outside", async () => {
    // Somebody is there: the node itself reaches all of them.
    const { inNetwork, address } = harness.swarm.nodes[0];
    for (const host of [address, metadata, outside]) expect(await reaches(inNetwork, host, platformPort), host).toBe(true);
    await expectNothingReached(await ask(3, "none"));
  });

  it("have tasks beside them that reach no more", async () => {
    const { request, printed } = await harness.run("asks", "tells", { siteId: 3 });
    const environment = { TARGETS: (await targetsOf()).join(" ") };
    const run = await harness.runtime.run({ ...request, environment, command: { kind: "command", command: asks } });
    expect((await run.exited).code).toBe(0);
    await expectNothingReached(printed("stdout"));
  });

  it.each([null, { cols: 80, rows: 24 }])("have shells beside them that reach no more (terminal: %o)", async (size) => {
    const { request } = harness.make({ siteId: 3 });
    const environment = { TARGETS: (await targetsOf()).join(" ") };
    await expectNothingReached(await shownBy(harness.runtime, { ...request, environment, command: asks, size }));
  });

  it("reach the internet and nothing else where they may go out", async () => {
    expect(openIn(await ask(4, "internet"))).toEqual([`${outside}:${platformPort}`]);
    // Whoever gets its address next is not let out.
    expect(openIn(await ask(5, "none"))).toEqual([]);
  });

  it("say in their runtime's capabilities what keeps them apart", async () => {
    expect(await harness.runtime.probe()).toMatchObject({ isolates: true, missing: [], freezes: true, limits: { memory: true, cpu: true, pids: true } });
    const nowhere = harness.again({ engine: { host: "unix:///nowhere/docker.sock" } });
    expect(await nowhere.probe()).toMatchObject({
      isolates: false,
      missing: [expect.stringMatching(/^The Docker engine at unix:\/\/\/nowhere\/docker\.sock cannot be used: /)],
    });
    const imageless = harness.again({ installation: "other1", defaultImage: "nobody/has-this:1" });
    expect((await imageless.probe()).missing).toEqual([expect.stringMatching(/nobody\/has-this:1.*it is not on this machine/)]);
    // Another Backlot on this bridge, whose rules let nobody of ours out.
    await imageless.close();
    for (const family of ["inet", "bridge"])
      await mustRun([...harness.swarm.nodes[0].inNetwork, findProgram("nft") ?? "nft", "delete", "table", family, firewallTable("other1")]);
  });

  it("tell what a run used, and leave no group of it", async ({ skip }) => {
    const [node] = harness.swarm.nodes;
    // Systemd makes and removes groups by itself.
    if ((await node.docker.info()).CgroupDriver !== "cgroupfs") return skip("the engine leaves groups to systemd");
    const { request } = await harness.run("used", "tells");
    // The first takes memory, the second time; neither has its container's group any more when it is asked.
    const used = async (command: string) => (await harness.runtime.run({ ...request, command: { kind: "command", command } })).exited;
    const taking = await used("dd if=/dev/zero of=/dev/null bs=40M count=1 2>/dev/null");
    expect(taking.peakMemoryBytes).toBeGreaterThan(40_000_000);
    const counting = await used("i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done");
    expect(counting.peakMemoryBytes).toBeLessThan(20_000_000);
    expect(counting.cpuMs).toBeGreaterThan((taking.cpuMs ?? 0) + 20);
    const own = join(node.name, `backlot-${harness.options.installation}`);
    const parent = ["/sys/fs/cgroup/memory", "/sys/fs/cgroup"].map((mount) => join(mount, own)).find((folder) => existsSync(folder)) ?? "";
    await expect.poll(() => readdirSync(parent, { withFileTypes: true }).filter((entry) => entry.isDirectory()), { timeout: 20_000 }).toEqual([]);
  });

  it("leave nothing behind when a run's orchestrator has died", async () => {
    const { request } = await harness.run("left", "hides");
    const run = await harness.runtime.run(request);
    const next = harness.again();
    expect(await next.cleanUp()).toBe(1);
    await run.exited;
    expect(await next.cleanUp()).toBe(0);
    // Two that are responsible for one node would know nothing of whom the other has let out.
    await next.close();
  });

  swarmLimitsSuite(() => harness);

  swarmDatagramSuite(() => ({ harness, neighbour, addresses: [metadata], outside }));

  it("are refused in words on a bridge with IPv6, over which neighbours would meet", { timeout: 180_000 }, async () => {
    const dockerdArguments = ["--icc=true", "--ipv6", "--fixed-cidr-v6", "fd5a:98::/64"];
    await using other = await swarmRuntimeHarness({ images: [plainImage], dockerdArguments });
    const [{ inNetwork }] = other.swarm.nodes;
    for (const family of ["", "6"]) await mustRun([...inNetwork, "/bin/sh", "-c", `echo 0 >/proc/sys/net/bridge/bridge-nf-call-ip${family}tables`]);
    const words = expect.stringMatching(/bridge has IPv6, .* Start dockerd without --ipv6/);
    expect(await other.runtime.probe()).toMatchObject({ isolates: false, missing: [words] });
    const files = { "run.sh": `#!/bin/sh\n${asks}exec httpd -f -p "$PORT" -h /site/public\n` };
    const start = (siteId: number, isTrusted: boolean, target = "127.0.0.1:1") => {
      const made = other.make({ siteId, environment: { TARGETS: target }, files });
      return { ...made, running: other.runtime.start({ ...made.request, spec: { ...made.request.spec, isTrusted } }) };
    };
    await expect(start(1, false).running).rejects.toMatchObject({ code: "isolation_missing", details: { missing: [words] } });
    // Administrators' may run there, and do meet.
    const first = await start(2, true).running;
    await first.whenListening(soon());
    const [container] = await other.swarm.nodes[0].docker.listContainers({ filters: JSON.stringify({ label: ["backlot.site=2"] }) });
    const address = container?.NetworkSettings.Networks.bridge?.GlobalIPv6Address ?? "";
    expect(address).toMatch(/^fd5a:98::/);
    const second = start(3, true, `${address}:8080`);
    await expect.poll(second.printed, { timeout: 60_000 }).toContain("asked\n");
    expect(openIn(second.printed())).toEqual([`${address}:8080`]);
    await Promise.all([first.stop(0), (await second.running).stop(0)]);
  });

  swarmFirewallSuite(() => ({
    harness,
    neighbour,
    far: () => ({ node: farNode, again: (inEngineNetwork = farNode.inNetwork) => onFarNode({ inEngineNetwork }) }),
  }));
});

function closing(runtime: SiteRuntime): AsyncDisposable & { readonly runtime: SiteRuntime } {
  return { runtime, [Symbol.asyncDispose]: () => runtime.close() };
}

function placeOf({ address }: RunningInstance): { readonly host: string; readonly port: number } {
  if (!("port" in address)) throw new Error("a site in a swarm has a port");
  return address;
}
