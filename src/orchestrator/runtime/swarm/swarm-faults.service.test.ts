import { readdirSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { takeBridgePorts } from "../../../../test/support/bridge-ports.ts";
import { whyNoSwarm } from "../../../../test/support/swarm.ts";
import { hidingImage, illImage, plainImage, shellessImage, volumeImage } from "../../../../test/support/swarm-images.ts";
import { type SwarmRuntimeHarness, swarmRuntimeHarness } from "../../../../test/support/swarm-runtime-harness.ts";
import type { RunningInstance } from "../site-runtime.ts";
import { mostPorts, portsOnBridge, roomOnBridge } from "./bridge-room.ts";
import { traefikLabels } from "./traefik-labels.ts";

const missing = whyNoSwarm();
const serves = '#!/bin/sh\nexec httpd -f -p "$PORT" -h /site/public\n';
const soon = () => AbortSignal.timeout(60_000);
const poll = { timeout: 50_000 };
/** As many as this bridge carries: a /29 has eight addresses, three of them taken. */
const carried = 5;

describe.skipIf(missing !== null)(`a swarm in which things go wrong${missing === null ? "" : ` (${missing})`}`, () => {
  let harness: SwarmRuntimeHarness;
  let neighbour: RunningInstance;
  beforeAll(async () => {
    harness = await swarmRuntimeHarness({ images: [plainImage, shellessImage, illImage, volumeImage, hidingImage], bridgeBits: 29 });
    neighbour = await started(1, serves);
  });
  afterAll(() => harness?.[Symbol.asyncDispose]());

  async function started(siteId: number, script: string): Promise<RunningInstance> {
    const running = await harness.runtime.start(harness.make({ siteId, files: { "run.sh": script } }).request);
    await running.whenListening(soon());
    return running;
  }

  async function answer(running: RunningInstance): Promise<number> {
    if (!("port" in running.address)) throw new Error("a site in a swarm has a port");
    return (await fetch(`http://${running.address.host}:${running.address.port}/`, { signal: soon() })).status;
  }

  it("says that an image does not exist", async () => {
    const { request } = harness.make({ siteId: 2, image: "nobody/has-this:1", files: { "run.sh": serves } });
    await expect(harness.runtime.start(request)).rejects.toMatchObject({
      code: "image_unusable",
      message: "The site's image nobody/has-this:1 cannot be used: it is not on this machine. Choose another image, or tell an administrator.",
    });
    await expect(harness.runtime.enter({ ...request, key: "e1", command: "true", size: null, environment: {} })).rejects.toMatchObject({
      code: "image_unusable",
    });
    // The service does not try again by itself, and another image works at once.
    const running = await harness.runtime.start(harness.make({ siteId: 2, files: { "run.sh": serves } }).request);
    await running.whenListening(soon());
    await running.stop(1_000);
  });

  it("says that an image has no shell", async () => {
    const { request, printed } = harness.make({ siteId: 3, image: shellessImage, files: { "run.sh": serves } });
    const running = await harness.runtime.start(request);
    expect(await running.exited).toMatchObject({ code: 127 });
    expect(printed()).toContain(`the image ${shellessImage} has no shell (/bin/sh)`);
    await expect(harness.runtime.enter({ ...request, key: "e1", command: null, size: { cols: 80, rows: 24 }, environment: {} })).rejects.toMatchObject({
      code: "image_unusable",
      message: `The site's image ${shellessImage} cannot be used: it has no shell (/bin/sh). Choose another image, or tell an administrator.`,
    });
  });

  it("does not let an image's own idea of health end a program, which could not answer while it is frozen", async () => {
    const { request } = harness.make({ siteId: 9, image: illImage, files: { "run.sh": serves } });
    const running = await harness.runtime.start(request);
    await running.whenListening(soon());
    const { docker } = harness.swarm.nodes[0];
    const filters = JSON.stringify({ ancestor: [illImage] });
    const [container] = await docker.listContainers({ filters });
    const { Config: config, State: state } = await docker.getContainer(container?.Id ?? "").inspect();
    expect([(await docker.getImage(illImage).inspect()).Config.Healthcheck?.Test, config.Healthcheck?.Test, state.Health]).toEqual([
      ["CMD-SHELL", "false"],
      ["NONE"],
      undefined,
    ]);
    await running.stop(500);
  });

  it("hears what a program says that exits at once, and starts it again when asked", async () => {
    for (const round of [1, 2]) {
      const { request, printed } = harness.make({ siteId: 4, files: { "run.sh": `#!/bin/sh\necho "round ${round}" >&2\nexit 7\n` } });
      const running = await harness.runtime.start(request);
      expect(await running.exited).toEqual({ code: 7, signal: null, isOutOfMemory: false });
      expect(printed()).toBe(`round ${round}\n`);
    }
  });

  it("says that there is nothing to run, when run.sh went before it could start", async () => {
    const { request, printed } = harness.make({ siteId: 5, files: {} });
    expect(await (await harness.runtime.start(request)).exited).toMatchObject({ code: 127 });
    expect(printed()).toContain("There is no run.sh");
  });

  it("bounds a program that forks without end, and can end it", async () => {
    const { request, printed } = harness.make({ siteId: 6, limits: { pids: 24 }, files: { "run.sh": "#!/bin/sh\nwhile :; do sleep 600 & done\n" } });
    const running = await harness.runtime.start(request);
    await expect.poll(printed, poll).toMatch(/can't fork|Resource temporarily unavailable/);
    expect(await answer(neighbour)).toBe(404);
    await running.stop(500);
    await running.exited;
  });

  it("tells a program that fills its memory from others that end", async () => {
    const script = "#!/bin/sh\necho filling\nexec dd if=/dev/zero of=/dev/null bs=200M count=1\n";
    const { request } = harness.make({ siteId: 7, limits: { memoryBytes: 32_000_000 }, files: { "run.sh": script } });
    expect(await (await harness.runtime.start(request)).exited).toEqual({ code: null, signal: "SIGKILL", isOutOfMemory: true });
    expect(await answer(neighbour)).toBe(404);
  });

  it("bounds what a program writes to /tmp and to its image's volumes, of which nothing stays, and its log", async () => {
    const script = [
      "#!/bin/sh",
      "head -c 90000000 /dev/zero > /tmp/all",
      "wc -c < /tmp/all > /site/public/tmp",
      "rm /tmp/all",
      "head -c 90000000 /dev/zero > /data/all",
      "wc -c < /data/all > /site/public/data",
      "rm /data/all",
      'line="$(head -c 4000 /dev/zero | tr "\\000" x)"',
      'yes "$line" | head -c 34000000',
      'exec httpd -f -p "$PORT" -h /site/public\n',
    ].join("\n");
    const { request } = harness.make({ siteId: 8, image: volumeImage, limits: { memoryBytes: 64_000_000 }, files: { "run.sh": script } });
    const running = await harness.runtime.start(request);
    await running.whenListening(soon());
    for (const path of ["/tmp", "/data"]) {
      const written = Number(await (await fetch(urlOf(running, path), { signal: soon() })).text());
      expect(written, path).toBeGreaterThan(20_000_000);
      expect(written, path).toBeLessThan(32_100_000);
    }
    const { docker } = harness.swarm.nodes[0];
    const [container] = await docker.listContainers({ filters: JSON.stringify({ label: ["backlot.site=8"] }) });
    const { LogPath: log, Mounts: mounts } = await docker.getContainer(container?.Id ?? "").inspect();
    expect(mounts.map(({ Destination: target, Type: type }) => `${type} ${target}`).toSorted()).toEqual([
      ...["bind /site", "tmpfs /data", "tmpfs /dev/shm", "tmpfs /run", "tmpfs /tmp", "tmpfs /var/lib/app"],
    ]);
    // A shell of the site and a task have none of the engine's disk either.
    const { request: run } = await harness.run("fills", "tells");
    const place = { kind: "site", spec: request.spec, folder: request.folder } as const;
    const command = "head -c 90000000 /dev/zero > /data/all; exit $(( $(wc -c < /data/all) < 65000000 ? 4 : 5 ))";
    expect((await (await harness.runtime.run({ ...run, place, command: { kind: "command", command } })).exited).code).toBe(4);
    expect((await docker.listVolumes()).Volumes ?? []).toEqual([]);
    const files = readdirSync(dirname(log)).filter((name) => name.startsWith(basename(log)));
    expect(files.length).toBeLessThanOrEqual(3);
    expect(files.reduce((sum, name) => sum + statSync(join(dirname(log), name)).size, 0)).toBeLessThan(32_000_000);
    await running.stop(500);
    expect((await docker.listVolumes()).Volumes ?? []).toEqual([]);
    const hiding = harness.make({ siteId: 8, image: hidingImage, files: { "run.sh": serves } });
    const refused = {
      code: "image_unusable",
      message: expect.stringMatching(/it declares \/site\/data as a volume \(VOLUME\), which would hide what is in \/site/),
    };
    await expect(harness.runtime.start(hiding.request)).rejects.toMatchObject(refused);
    await expect(harness.runtime.enter({ ...hiding.request, key: "e1", command: "true", size: null, environment: {} })).rejects.toMatchObject(refused);
  });

  it("keeps a service's own labels and a site's variables as they are, whatever stands in them, and starts none for a name that would say more than itself", async () => {
    const { docker } = harness.swarm.nodes[0];
    const evil = "a`) || Host(`evil.example.org\nbacklot.site=1\n{{ .Node.Hostname }} {{{{{ env }}";
    const labelled = harness.again({ labelsOf: () => ({ "x.note": evil, "backlot.site": "1", "backlot.installation": "other" }) });
    const { request } = harness.make({ siteId: 10, environment: { NOTE: evil }, files: { "run.sh": serves } });
    const running = await labelled.start(request);
    const { Spec: spec } = await docker.getService("site_0010").inspect();
    expect(spec.Labels).toMatchObject({ "x.note": evil, "backlot.site": "10", "backlot.installation": harness.options.installation });
    const containersOf = (siteId: number) => docker.listContainers({ filters: JSON.stringify({ label: [`backlot.site=${siteId}`] }) });
    const [own] = await containersOf(10);
    expect((await docker.getContainer(own?.Id ?? "").inspect()).Config.Env).toContain(`NOTE=${evil}`);
    expect(await containersOf(1)).toHaveLength(1);
    await running.stop(500);

    for (const [name, host] of [
      [evil, "good.example.org"],
      ["good", evil],
    ] as const) {
      const refusing = harness.again({ labelsOf: () => traefikLabels({ name, hosts: [host], port: 8080 }) });
      await expect(refusing.start(harness.make({ siteId: 16, files: { "run.sh": serves } }).request)).rejects.toThrow(
        /cannot stand in a (label|rule) of Traefik/,
      );
    }
    expect((await docker.listServices()).map((service) => service.Spec?.Name)).not.toContain("site_0016");
  });

  it("refuses a program that the bridge has no room for, before the kernel does", async () => {
    const others = await Promise.all([11, 12, 13, 14].map((siteId) => started(siteId, serves)));
    expect(others).toHaveLength(carried - 1);
    const { request } = harness.make({ siteId: 15, files: { "run.sh": serves } });
    const full = { code: "machine_full" };
    await expect(harness.runtime.start(request)).rejects.toMatchObject(full);
    // What may go out stands on the bridge, too; what may not needs no place there.
    const { request: run } = await harness.run("r1", "tells");
    await expect(harness.runtime.run({ ...run, place: { kind: "home", timeZone: "UTC", egress: "internet" } })).rejects.toMatchObject(full);
    expect((await (await harness.runtime.run(run)).exited).code).toBe(3);
    const { spec, folder } = request;
    const entry = { key: "e1", spec: { ...spec, egress: "internet" }, folder, command: "cat", size: null, environment: {} } as const;
    await expect(harness.runtime.enter(entry)).rejects.toMatchObject(full);
    // Of those who come at once for the last place one gets it, and the others hear the same words.
    await others[0]?.stop(500);
    await expect.poll(() => roomOnBridge(harness.swarm.nodes[0].docker, harness.swarm.nodes[0].inNetwork), poll).toBe(1);
    const came = await Promise.allSettled(["e2", "e3", "e4"].map((key) => harness.runtime.enter({ ...entry, key })));
    const refused = came.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
    expect(refused).toEqual([expect.objectContaining(full), expect.objectContaining(full)]);
    await Promise.all(came.map((one) => one.status === "fulfilled" && one.value.end(0)));
    await Promise.all(others.map((running) => running.stop(500)));
    await (await started(15, serves)).stop(500);
  });

  it("gives the last of the ports that the kernel lets a bridge have to a program, and refuses the next one before the kernel does", {
    timeout: 120_000,
  }, async () => {
    const [node] = harness.swarm.nodes;
    await expect.poll(() => portsOnBridge(node.inNetwork), poll).toBe(1);
    // Of others, and without an address: those would have run out long before.
    const others = await takeBridgePorts(node, mostPorts - 2);
    const last = await started(30, serves);
    expect([await answer(neighbour), await answer(last), await portsOnBridge(node.inNetwork)]).toEqual([404, 404, mostPorts]);
    const { request } = harness.make({ siteId: 31, files: { "run.sh": serves } });
    await expect(harness.runtime.start(request)).rejects.toMatchObject({
      code: "machine_full",
      message: "This machine has no room to start another program now. Try again in a minute.",
    });
    // The kernel's own words, which nobody should have to read.
    const beyond = await node.docker.createContainer({ Image: plainImage, Cmd: ["true"], HostConfig: { NetworkMode: "bridge" } });
    await expect(beyond.start()).rejects.toThrow(/exchange full/i);
    await beyond.remove({ force: true });
    await others[Symbol.asyncDispose]();
    const next = await started(31, serves);
    expect(await answer(next)).toBe(404);
    await Promise.all([last.stop(500), next.stop(500)]);
  });

  it("goes on after its engine was restarted, in order or by force", { timeout: 240_000 }, async () => {
    for (const how of ["SIGTERM", "SIGKILL"] as const) {
      const [node] = harness.swarm.nodes;
      const running = await started(20, serves);
      const unwanted = await started(23, serves);
      expect(await harness.runtime.trouble?.()).toBeNull();
      await node.stop(how);
      // A program can be ended while its engine is away, which left it running when it was killed; the swarm hears of it later.
      const ending = unwanted.stop(500);
      await expect.poll(() => unwanted.listening(), poll).toEqual([]);
      await expect.poll(() => harness.runtime.trouble?.(), poll).toMatch(/^The Docker engine at unix:.*docker\.sock does not answer: connect E/);
      const { request } = harness.make({ siteId: 21, files: {} });
      await expect(harness.runtime.enter({ ...request, key: "e1", command: "true", size: null, environment: {} })).rejects.toMatchObject({
        code: "component_away",
        message: "The Docker engine does not answer. Try again in a few seconds.",
      });
      // One who comes now waits for it, and gets no port at which visitors of the others may still arrive, nor begins at one before.
      const waiting = started(22, serves.replace("exec", `echo "${how}" >>/site/public/begun-${how}\nexec`));
      await node.start();
      expect(await answer(await waiting)).toBe(404);
      expect([running, unwanted].map(portOf)).not.toContain(portOf(await waiting));
      expect(await (await fetch(urlOf(await waiting, `/begun-${how}`), { signal: soon() })).text()).toBe(`${how}\n`);
      await (await waiting).stop(500);
      // An engine that comes back ends what it finds.
      await Promise.all([running.exited, ending]);
      await expect.poll(() => harness.runtime.trouble?.(), poll).toBeNull();
      const again = await started(20, serves);
      expect(await answer(again)).toBe(404);
      await again.stop(500);
    }
  });

  it("works as soon as its engine comes, for an orchestrator that was there first", { timeout: 120_000 }, async () => {
    const [node] = harness.swarm.nodes;
    await node.stop("SIGTERM");
    const early = harness.again();
    expect(await early.cleanUp()).toBe(0);
    expect(await early.probe()).toMatchObject({ isolates: false, missing: [expect.stringMatching(/cannot be used: connect E/)] });
    expect(await early.trouble?.()).toMatch(/does not answer/);
    await node.start();
    await expect.poll(() => early.trouble?.(), poll).toBeNull();
    expect(await early.probe()).toMatchObject({ isolates: true, missing: [] });
  });
});

function portOf({ address }: RunningInstance): number | null {
  return "port" in address ? address.port : null;
}

function urlOf({ address }: RunningInstance, path: string): string {
  if (!("port" in address)) throw new Error("a site in a swarm has a port");
  return `http://${address.host}:${address.port}${path}`;
}
