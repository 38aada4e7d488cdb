import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { steadyClock } from "#kit/clock.ts";
import { silentLog } from "#kit/log.ts";
import { titled, whyNoNetworks } from "../../../../test/support/needs.ts";
import { type PretendInternet, pretended, pretendInternet } from "../../../../test/support/pretend-internet.ts";
import { type ProcessRuntimeHarness, processRuntimeHarness } from "../../../../test/support/process-runtime-harness.ts";
import type { RunningInstance } from "../site-runtime.ts";
import { connectionsPerSite } from "./firewall-rules.ts";
import { findProgram } from "./machine-programs.ts";
import { mustRun, runCommand } from "./run-command.ts";
import { type SiteNetwork, SiteNetworks } from "./site-networks.ts";
import { forwardingFile } from "./uplink-forwarding.ts";

const missing = whyNoNetworks();
const program = readFileSync(new URL("../../../../test/support/outward-site.mjs", import.meta.url), "utf8");
const files = { "run.sh": "#!/bin/sh\nexec node /site/outward.mjs\n", "outward.mjs": program };
const [nft = "", ip = "", nsenter = ""] = ["nft", "ip", "nsenter"].map((name) => findProgram(name) ?? name);

interface Target {
  readonly kind: "tcp" | "udp";
  readonly host: string;
  readonly port: number;
}
const tcp = (host: string, port: number): Target => ({ kind: "tcp", host, port });
const udp = (host: string, port: number): Target => ({ kind: "udp", host, port });
const nameOf = (target: Target): string => `${target.kind} ${target.host}:${target.port}`;
const noAnswer = /^(silence|ECONNREFUSED|ENETUNREACH|EHOSTUNREACH|ECONNRESET|EACCES)$/;

describe.skipIf(missing !== null)(titled("a site that may connect to the internet", missing), () => {
  let internet: PretendInternet;
  let harness: ProcessRuntimeHarness;
  let neighbour: RunningInstance;
  let manager: Server;
  const ipForward = globalForwarding();

  beforeAll(async () => {
    internet = await pretendInternet();
    harness = processRuntimeHarness({ mode: "veth", closedNetworks: ["198.51.100.0/24"], resolverFiles: [internet.resolverFile] });
    manager = createServer((socket) => socket.end("manager")).listen(0, "::");
    await once(manager, "listening");
    neighbour = await harness.runtime.start((await harness.site(2, "serves")).request);
    await neighbour.whenListening(AbortSignal.timeout(30_000));
  });
  afterAll(async () => {
    manager.close();
    await harness[Symbol.asyncDispose]();
    await internet[Symbol.asyncDispose]();
  });

  it("is told so by what the machine can do", async () => {
    expect((await harness.runtime.probe()).egress.isAvailable).toBe(true);
  });

  it("reaches a public address, under the host's own", async () => {
    const { results, resolvers } = await tries(harness, [tcp(pretended.server, 80), tcp(pretended.server, 443)]);
    expect(results).toEqual({
      [nameOf(tcp(pretended.server, 80))]: `answer: ${pretended.host}`,
      [nameOf(tcp(pretended.server, 443))]: `answer: ${pretended.host}`,
    });
    expect(resolvers).toContain(`nameserver ${pretended.resolver}\n`);
  });

  it("reaches nothing without the setting", async () => {
    const targets = [tcp(pretended.server, 80), udp(pretended.resolver, 53), tcp(pretended.resolver, 53)];
    const { results, resolvers } = await tries(harness, targets, { egress: "none" });
    for (const target of targets) expect(results[nameOf(target)], nameOf(target)).toMatch(noAnswer);
    expect(resolvers).not.toContain("nameserver");
  });

  it.each([
    ["a run of the home folder reaches a public address too, where the installation says so", { egress: "internet" }, pretended.host],
    ["a run of the home folder reaches nothing without that", {}, "no way"],
  ] as const)("%s", async (name, egress, answer) => {
    const { request, printed } = await harness.run(`out-${name.length}`, "tells");
    const command = `timeout 3 bash -c 'head -c ${pretended.host.length} < /dev/tcp/${pretended.server}/80' 2> /dev/null || echo "no way"`;
    const running = await harness.runtime.run({ ...request, place: { kind: "home", timeZone: "UTC", ...egress }, command: { kind: "command", command } });
    await running.exited;
    expect(printed("stdout").trim()).toBe(answer);
  });

  it("asks for names only where the machine itself does", async () => {
    const open = [udp(pretended.resolver, 53), tcp(pretended.resolver, 53)];
    const closed = [udp(pretended.otherResolver, 53), tcp(pretended.otherResolver, 53), udp(pretended.server, 53)];
    const { results } = await tries(harness, [...open, ...closed]);
    for (const target of open) expect(results[nameOf(target)], nameOf(target)).toBe(`answer: ${pretended.host}`);
    for (const target of closed) expect(results[nameOf(target)], nameOf(target)).toMatch(noAnswer);
  });

  it("reaches no private, link-local or closed address, no mail server, no neighbour and nothing of the platform", async () => {
    const { port } = manager.address() as AddressInfo;
    if (!("host" in neighbour.address)) throw new Error("the neighbour has no address");
    const hostEnd = neighbour.address.host.replace(/\d+$/, (last) => String(Number(last) - 1));
    const targets = [
      tcp(pretended.privateServer, 80),
      tcp(pretended.linkLocal, 80),
      tcp("169.254.169.254", 80),
      tcp("198.51.100.7", 80),
      tcp(pretended.server, 25),
      tcp(neighbour.address.host, neighbour.address.port),
      tcp(hostEnd, port),
      tcp(pretended.host, port),
      tcp("127.0.0.1", port),
    ];
    const { results } = await tries(harness, targets);
    expect(Object.keys(results)).toHaveLength(targets.length);
    for (const target of targets) expect(results[nameOf(target)], nameOf(target)).toMatch(noAnswer);
  });

  it("holds a bounded number of connections open, and its neighbour all of its own", async () => {
    const together = { ...tcp(pretended.server, 80), count: connectionsPerSite + 60 };
    const [one, other] = await Promise.all([
      tries(harness, [], { siteId: 5, together }),
      tries(harness, [], { siteId: 6, together: { ...together, count: 100 } }),
    ]);
    expect(one.open).toBeLessThanOrEqual(connectionsPerSite);
    expect(one.open).toBeGreaterThan(connectionsPerSite - 60);
    expect(other.open).toBe(100);
  });

  it("cannot be called from outside", async () => {
    const { request } = await harness.site(7, "serves");
    const running = await harness.runtime.start({ ...request, spec: { ...request.spec, egress: "internet" } });
    await running.whenListening(AbortSignal.timeout(30_000));
    expect(internet.isForwarding()).toBe(true);
    if (!("host" in running.address)) throw new Error("it has no address");
    expect(await internet.reaches(running.address)).toBe(false);
    await running.stop(0);
  });

  it("is the only one that gets out: another does not, even with a route and an interface that forwards", async () => {
    await using networks = await openNetworks(internet.resolverFile);
    const [out, other] = [await networks.open.lease({ hasEgress: true }), await networks.open.lease({ hasEgress: false })];
    const hostEnd = other.host.replace(/\d+$/, (last) => String(Number(last) - 1));
    const { stdout } = await runCommand([ip, "route", "get", other.host]);
    writeFileSync(forwardingFile(/dev (\S+)/.exec(stdout)?.[1] ?? ""), "1");
    const enter = (network: SiteNetwork) => [nsenter, `--net=${network.namespace}`, "--"];
    await mustRun([...enter(other), ip, "route", "add", "default", "via", hostEnd]);
    const script = `const socket = require("node:net").connect(80, "${pretended.server}"); socket.once("connect", () => process.exit(0)); socket.once("error", () => process.exit(1)); setTimeout(() => process.exit(1), 1000);`;
    const codes = [out, other].map(async (network) => (await runCommand([...enter(network), process.execPath, "-e", script])).code);
    expect(await Promise.all(codes)).toEqual([0, 1]);
    out.release();
    other.release();
  });

  it("leaves no rule, interface or switch behind", async () => {
    await tries(harness, [tcp(pretended.server, 80)]);
    await expect.poll(() => internet.isForwarding()).toBe(false);
    const table = ["table", "inet", `backlot_${harness.installation}`];
    expect((await runCommand([nft, "list", "set", ...table.slice(1), "egress"])).stdout).not.toContain("elements");
    await harness[Symbol.asyncDispose]();
    expect((await runCommand([nft, "list", ...table])).code).not.toBe(0);
    expect(globalForwarding()).toBe(ipForward);
  });
});

interface Outcome {
  readonly results: Readonly<Record<string, string>>;
  readonly open: number;
  readonly resolvers: string;
}

/** Runs a site's program that tries to reach these, and gives its own words. */
async function tries(
  harness: ProcessRuntimeHarness,
  targets: readonly Target[],
  given: { readonly siteId?: number; readonly egress?: "none" | "internet"; readonly together?: Target & { readonly count: number } } = {},
): Promise<Outcome> {
  const { together, ...site } = given;
  const { request, printed } = harness.make({ siteId: 1, egress: "internet", ...site, files, environment: { TARGETS: JSON.stringify({ targets, together }) } });
  const running = await harness.runtime.start(request);
  expect(await running.exited, printed()).toMatchObject({ code: 0 });
  return JSON.parse(printed()) as Outcome;
}

/** The networks alone, without programs in them. */
async function openNetworks(resolverFile: string): Promise<{ readonly open: SiteNetworks } & AsyncDisposable> {
  const etcFolder = mkdtempSync(join(tmpdir(), "backlot-etc-"));
  const open = await SiteNetworks.open({
    installation: `t${randomBytes(3).toString("hex").slice(0, 5)}`,
    programs: { ip, nft, nsenter, unshare: findProgram("unshare") ?? "" },
    blockFile: join(etcFolder, "address-block"),
    etcFolder,
    closedNetworks: [],
    resolverFiles: [resolverFile],
    quarantineMs: 0,
    warm: 2,
    clock: steadyClock,
    log: silentLog(),
  });
  const close = async (): Promise<void> => {
    await open.close();
    rmSync(etcFolder, { recursive: true });
  };
  return { open, [Symbol.asyncDispose]: close };
}

function globalForwarding(): string {
  return readFileSync("/proc/sys/net/ipv4/ip_forward", "utf8").trim();
}
