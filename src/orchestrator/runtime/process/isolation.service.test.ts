import { randomInt } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { titled, whyNoNetworks, whyNoSandbox } from "../../../../test/support/needs.ts";
import { type ProcessRuntimeHarness, processRuntimeHarness } from "../../../../test/support/process-runtime-harness.ts";
import type { RunningInstance } from "../site-runtime.ts";

const hostile = readFileSync(new URL("../../../../test/support/hostile-site.mjs", import.meta.url), "utf8");
const files = { "run.sh": "#!/bin/sh\nexec node /site/hostile.mjs\n", "hostile.mjs": hostile };

const places = [
  { mode: "veth", egress: "none" },
  { mode: "veth", egress: "internet" },
  { mode: "relay", egress: "none" },
] as const;

for (const { mode, egress } of places) {
  const missing = mode === "relay" ? whyNoSandbox() : whyNoNetworks();
  describe.skipIf(missing !== null)(titled(`a hostile program in a sandbox, ${mode}, egress ${egress}`, missing), () => {
    let harness: ProcessRuntimeHarness;
    let neighbour: RunningInstance;
    let platform: Awaited<ReturnType<typeof pretendPlatform>>;
    let found: Findings;

    beforeAll(async () => {
      harness = processRuntimeHarness({ mode });
      platform = await pretendPlatform(harness.base);
      neighbour = await harness.runtime.start((await harness.site(2, "serves")).request);
      await neighbour.whenListening(AbortSignal.timeout(30_000));
      found = await attack(harness, neighbour, { ...platform, egress });
    });
    afterAll(async () => {
      await harness[Symbol.asyncDispose]();
      platform.close();
    });

    it("reaches no port of the platform and none of a neighbour", () => {
      expect(Object.keys(found.addresses).length).toBeGreaterThan(3);
      for (const [address, result] of Object.entries(found.addresses))
        expect(result, address).toMatch(/^(silence|ECONNREFUSED|ENETUNREACH|EHOSTUNREACH|EADDRNOTAVAIL|EINVAL)$/);
      expect(platform.visits()).toBe(0);
    });

    it("reaches no unix socket, whether it has a path or an abstract name", () => {
      for (const [path, result] of Object.entries(found.sockets)) expect(result, path).toMatch(/^(ENOENT|ECONNREFUSED)$/);
    });

    it("reads no key, no file of the platform and none of a neighbour", () => {
      for (const [path, result] of Object.entries(found.files)) expect(result, path).toMatch(/^(ENOENT|EACCES)$/);
    });

    it("sees and signals no process but its own", () => {
      expect(new Set(found.kills)).toEqual(new Set(["ESRCH"]));
      expect(found.programs.length).toBeLessThanOrEqual(4);
      expect(found.programs.every((program) => /^(\/usr\/bin\/bwrap|node|\/bin\/sh|)$/.test(program))).toBe(true);
    });

    it("learns nothing of the platform's environment and paths", () => {
      expect(found.environmentOfFirst).toBe("");
      expect(found.arguments).not.toContain(harness.base);
      // PWD and SHLVL come from shells inside.
      const given = found.variables.filter((name) => !["PWD", "OLDPWD", "SHLVL", "_"].includes(name));
      expect(given).toEqual(["HOME", "HOST", "LANG", "PATH", "PORT", "TARGETS", "TZ", "USER"]);
      expect(found.top).toEqual(expect.not.arrayContaining(["root", "home", "sys", "srv"]));
      expect(found.etc).not.toContain("shadow");
      expect(found.descriptors).toEqual(["0", "1", "2", "3"]);
      expect(found.interfaces).toEqual(mode === "veth" ? ["eth0", "lo"] : ["lo"]);
    });

    it("has no rights and can gain none", () => {
      const none = "0000000000000000";
      // An ordinary user keeps the groups that he has anyway: only root can give them up.
      const groups = process.getuid?.() === 0 ? "" : expect.stringMatching(/^[\d ]*$/);
      expect(found.rights).toMatchObject({ CapEff: none, CapPrm: none, CapBnd: none, Groups: groups, NoNewPrivs: "1", Seccomp: "2" });
      expect(found.unshare).not.toBe(0);
      expect(found.mount).not.toBe(0);
    });

    it("writes to its own folder and a bounded /tmp only", () => {
      const written = Object.entries(found.writes).filter(([, result]) => result === "WRITTEN");
      expect(written.map(([folder]) => folder).sort()).toEqual(["/site", "/tmp"]);
    });
  });
}

interface Findings {
  readonly addresses: Readonly<Record<string, string>>;
  readonly sockets: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<string, string>>;
  readonly kills: readonly string[];
  readonly programs: readonly string[];
  readonly environmentOfFirst: string;
  readonly arguments: string;
  readonly variables: readonly string[];
  readonly rights: Readonly<Record<string, string>>;
  readonly top: readonly string[];
  readonly etc: readonly string[];
  readonly interfaces: readonly string[];
  readonly writes: Readonly<Record<string, string>>;
  readonly unshare: number;
  readonly mount: number;
  readonly descriptors: readonly string[];
}

/** What a manager, an orchestrator and a database would offer on this machine: ports everywhere, sockets, a key. */
async function pretendPlatform(base: string) {
  let visits = 0;
  const open = async (listen: (server: Server) => void): Promise<Server> => {
    const server = createServer((socket) => {
      visits += 1;
      socket.destroy();
    });
    listen(server);
    await once(server, "listening");
    return server;
  };
  // Below what the system gives out: somebody who still asks for a port that another test has had must not be taken for the program.
  const port = 20_000 + 2 * randomInt(6_000);
  const everywhere = await open((server) => server.listen(port, "::"));
  const loopback = await open((server) => server.listen(port + 1, "127.0.0.1"));
  const database = join(base, ".s.PGSQL.5432");
  const abstract = `\0backlot-test/${base}`;
  const sockets = [await open((server) => server.listen(database)), await open((server) => server.listen(abstract))];
  const key = join(base, "cluster.key");
  writeFileSync(key, "secret");
  const portOf = (server: Server): number => (server.address() as AddressInfo).port;
  return {
    ports: [portOf(everywhere), portOf(loopback)],
    sockets: [database, abstract],
    key,
    visits: () => visits,
    close: () => {
      for (const server of [everywhere, loopback, ...sockets]) server.close();
    },
  };
}

async function attack(
  harness: ProcessRuntimeHarness,
  neighbour: RunningInstance,
  platform: Awaited<ReturnType<typeof pretendPlatform>> & { readonly egress: "none" | "internet" },
): Promise<Findings> {
  const machine = Object.values(networkInterfaces()).flatMap((entries) => entries ?? []);
  // The host's ends of all pairs are among the machine's own addresses, the attacker's own included.
  const hosts = ["127.0.0.1", "::1", ...machine.map((entry) => (entry.address.startsWith("fe80") ? `${entry.address}%eth0` : entry.address))];
  const addresses = [...new Set(hosts)].flatMap((host) => platform.ports.map((port) => ({ host, port })));
  const { address } = neighbour;
  if ("host" in address) addresses.push(address);
  const sites = harness.options.sitesFolder;
  const targets = {
    addresses,
    sockets: [...platform.sockets, ...("socket" in address ? [address.socket] : []), "/run/docker.sock"],
    files: [
      platform.key,
      sites,
      join(sites, "00/02"),
      join(sites, "00/02/run.sh"),
      "/site/../../00/02/run.sh",
      "/proc/1/root/root",
      "/root",
      "/etc/shadow",
      "/run/netns",
    ],
    pids: [process.pid, process.ppid, ...descendantsOf(process.pid)],
  };
  const { request, printed } = harness.make({ siteId: 1, egress: platform.egress, files, environment: { TARGETS: JSON.stringify(targets) } });
  mkdirSync(join(request.folder, "public"), { recursive: true });
  const running = await harness.runtime.start(request);
  expect(await running.exited).toMatchObject({ code: 0 });
  // The program's own words, in the shape that it gives them.
  return JSON.parse(printed()) as Findings;
}

function descendantsOf(pid: number): readonly number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number);
  return children.flatMap((child) => [child, ...descendantsOf(child)]);
}
