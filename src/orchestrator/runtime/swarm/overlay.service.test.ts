import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import type Docker from "dockerode";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type SwarmNode, whyNoSwarm } from "../../../../test/support/swarm.ts";
import { plainImage } from "../../../../test/support/swarm-images.ts";
import { type SwarmRuntimeHarness, swarmRuntimeHarness } from "../../../../test/support/swarm-runtime-harness.ts";
import type { RunningInstance, SiteRuntime } from "../site-runtime.ts";

const missing = whyNoSwarm();
const network = "traefik";
const soon = () => AbortSignal.timeout(60_000);
const patience = { timeout: 60_000, interval: 100 };
const serves = { "run.sh": '#!/bin/sh\nexec httpd -f -p "$PORT" -h /site/public\n', "public/index.html": "hello" };
/** Says of every target whether somebody answers there, and serves. */
const asks = `#!/bin/sh
for target in $TARGETS; do
  (if nc -w 3 "\${target%:*}" "\${target##*:}" </dev/null >/dev/null 2>&1; then echo "$target open"; else echo "$target closed"; fi) &
done
wait
echo asked
exec httpd -f -p "$PORT" -h /site/public
`;

/** Stands for Traefik: a container that is none of ours, on the network, with something that listens. */
interface Proxy {
  readonly address: string;
  /** What a site answers there; null when nothing does. */
  ask(address: string): Promise<string | null>;
}

describe.skipIf(missing !== null)(`sites on a network by which proxies reach them${missing === null ? "" : ` (${missing})`}`, { timeout: 180_000 }, () => {
  let harness: SwarmRuntimeHarness;
  let nodes: readonly [SwarmNode, SwarmNode];
  let here: SiteRuntime;
  let there: SiteRuntime;
  let proxies: readonly [Proxy, Proxy];
  const running: RunningInstance[] = [];

  const startProxy = async ({ docker }: SwarmNode): Promise<Proxy> => {
    const command = ["/bin/sh", "-c", "httpd -p 8081 -h /tmp; echo proxy >/tmp/index.html; exec sleep 100000"];
    const container = await docker.createContainer({ Image: plainImage, Cmd: command, HostConfig: { NetworkMode: network } });
    await container.start();
    const { NetworkSettings: settings } = await container.inspect();
    return { address: settings.Networks[network]?.IPAddress ?? "", ask: (address) => request(container, address) };
  };
  const request = async (container: Docker.Container, address: string): Promise<string | null> => {
    const [host = "", port = ""] = address.split(":");
    const command = `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 3 ${host} ${port}`;
    const exec = await container.exec({ Cmd: ["/bin/sh", "-c", command], AttachStdout: true });
    const stream = await exec.start({});
    const printed = new PassThrough();
    container.modem.demuxStream(stream, printed, new PassThrough());
    stream.once("end", () => printed.end());
    const answer = await text(printed);
    return answer === "" ? null : answer.slice(answer.lastIndexOf("\n", answer.length - 2) + 1);
  };
  const start = async (runtime: SiteRuntime, given: Parameters<SwarmRuntimeHarness["make"]>[0]) => {
    const { request, printed } = harness.make(given);
    const instance = await runtime.start(request);
    running.push(instance);
    await instance.whenListening(soon());
    return { instance, printed };
  };
  const addressOn = async ({ docker }: SwarmNode, siteId: number): Promise<string> => {
    const [found] = await docker.listContainers({ filters: JSON.stringify({ label: [`backlot.site=${siteId}`] }) });
    return `${found?.NetworkSettings.Networks[network]?.IPAddress ?? "none"}:8080`;
  };

  beforeAll(async () => {
    harness = await swarmRuntimeHarness({ images: [plainImage], nodes: 2 });
    const [first, second] = harness.swarm.nodes;
    if (second === undefined) throw new Error("there are two nodes");
    nodes = [first, second];
    await first.docker.createNetwork({ Name: network, Driver: "overlay", Attachable: true });
    here = harness.again({ traefikNetwork: network });
    there = harness.again({ traefikNetwork: network, engine: { host: second.host }, managers: [{ host: first.host }], inEngineNetwork: second.inNetwork });
    expect(await here.probe()).toMatchObject({ isolates: true, missing: [] });
    expect(await there.probe()).toMatchObject({ isolates: true, missing: [] });
    proxies = [await startProxy(first), await startProxy(second)];
    await start(here, { siteId: 1, files: serves });
    await start(there, { siteId: 2, files: serves });
  }, 180_000);
  afterAll(async () => {
    await harness?.[Symbol.asyncDispose]();
  });

  it("answer proxies of their own node and of others, one that came later too, and routers as before", async () => {
    const sites = [await addressOn(nodes[0], 1), await addressOn(nodes[1], 2)];
    for (const proxy of [...proxies, await startProxy(nodes[0])]) {
      for (const site of sites) await expect.poll(() => proxy.ask(site), patience).toBe("hello");
    }
    const [{ address } = { address: { socket: "/" } }] = running;
    if (!("port" in address)) throw new Error("a site in a swarm has a port");
    expect(await (await fetch(`http://${address.host}:${address.port}/`, { signal: soon() })).text()).toBe("hello");
  });

  it("reach neither each other nor a proxy, on any node, whether they may go out or not", async () => {
    const [one, other] = proxies;
    // Proxies reach each other: somebody is there, and the nodes are connected.
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const)
      await expect.poll(() => from.ask(`${to.address}:8081`), patience).toBe("proxy\n");
    const targets = [await addressOn(nodes[0], 1), await addressOn(nodes[1], 2), `${one.address}:8081`, `${other.address}:8081`];
    expect(targets.join()).not.toContain("none");
    for (const [siteId, runtime, egress] of [
      [3, here, "none"],
      [4, there, "none"],
      [5, here, "internet"],
    ] as const) {
      const { instance, printed } = await start(runtime, { siteId, egress, environment: { TARGETS: targets.join(" ") }, files: { "run.sh": asks } });
      await expect.poll(printed, patience).toContain("asked\n");
      for (const target of targets) expect(printed()).toContain(`${target} closed\n`);
      await instance.stop(1_000);
    }
  });

  it("are still kept apart when their engine was started again, and by the orchestrator after this one", async () => {
    const [node] = nodes;
    await node.stop("SIGTERM");
    await node.start();
    const targets = [`${proxies[1].address}:8081`, await addressOn(nodes[1], 2)];
    for (const [siteId, runtime] of [
      [6, here],
      [7, harness.again({ traefikNetwork: network })],
    ] as const) {
      const { printed } = await start(runtime, { siteId, environment: { TARGETS: targets.join(" ") }, files: { "run.sh": asks } });
      await expect.poll(printed, patience).toContain("asked\n");
      for (const target of targets) expect(printed()).toContain(`${target} closed\n`);
    }
    // The network is there again, and not merely broken.
    const proxy = await startProxy(node);
    await expect.poll(async () => proxy.ask(await addressOn(node, 6)), patience).not.toBeNull();
    const anchors = await node.docker.listContainers({ filters: JSON.stringify({ label: ["backlot.kind=anchor"] }) });
    expect(anchors).toHaveLength(1);
  });

  it("are not started where they could not be kept apart", async () => {
    for (const traefikNetwork of ["nowhere", "docker_gwbridge"]) {
      const runtime = harness.again({ traefikNetwork });
      const { isolates, missing } = await runtime.probe();
      expect([isolates, missing.join()]).toEqual([false, expect.stringContaining(`Sites on the network ${traefikNetwork} cannot be kept apart`)]);
      await expect(runtime.start(harness.make({ siteId: 9, files: serves }).request)).rejects.toMatchObject({ code: "isolation_missing" });
    }
  });
});
