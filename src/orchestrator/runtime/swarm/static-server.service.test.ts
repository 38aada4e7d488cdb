import { lchownSync, mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type Docker from "dockerode";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { applySite, readSiteStatus, wakeSite } from "#contract/internal/orchestrator.ts";
import { makeOrchestratorHome, specOf, startOrchestratorUnderTest } from "../../../../test/support/orchestrator-under-test.ts";
import { whyNoSwarm } from "../../../../test/support/swarm.ts";
import { nginxImage, plainImage } from "../../../../test/support/swarm-images.ts";
import { type SwarmRuntimeHarness, swarmRuntimeHarness } from "../../../../test/support/swarm-runtime-harness.ts";
import { findProgram } from "../process/machine-programs.ts";
import { siteOwner } from "../process/site-owner.ts";
import type { RunningInstance, StartRequest } from "../site-runtime.ts";
import { staticEntryScript } from "./static-server.ts";
import { traefikLabels } from "./traefik-labels.ts";

const missing = whyNoSwarm() ?? (findProgram("nginx") === null ? "nginx is not installed" : null);
const soon = () => AbortSignal.timeout(60_000);

describe.skipIf(missing !== null)(`A static site's own file server in a swarm${missing === null ? "" : ` (${missing})`}`, { timeout: 120_000 }, () => {
  let harness: SwarmRuntimeHarness;
  let site: StartRequest;
  let running: RunningInstance;

  const startStatic = async (siteId: number): Promise<RunningInstance> => {
    const runtime = harness.again({
      staticImage: nginxImage,
      labelsOf: ({ name }) => traefikLabels({ name, hosts: [`${name}.example.org`], port: 8080 }),
    });
    const { request } = harness.make({ siteId, files: { "public/index.html": "<h1>hello</h1>" } });
    site = { ...request, spec: { ...request.spec, kind: "static", isDedicated: true } };
    return runtime.start(site);
  };
  const get = async (path: string, init: RequestInit = {}) => {
    const { address } = running;
    if (!("port" in address)) throw new Error("a site in a swarm has a port");
    const response = await fetch(`http://${address.host}:${address.port}${path}`, { ...init, redirect: "manual", signal: soon() });
    return { status: response.status, text: await response.text(), headers: response.headers };
  };
  const put = (path: string, text: string): void => {
    writeFileSync(join(site.folder, path), text, { mode: 0o660 });
    own(path);
  };
  const own = (path: string): void => {
    const owner = siteOwner(site.spec.siteId);
    if (owner !== null) lchownSync(join(site.folder, path), owner.uid, owner.gid);
  };

  beforeAll(async () => {
    harness = await swarmRuntimeHarness({ images: [plainImage, nginxImage] });
    running = await startStatic(7);
    await running.whenListening(soon());
  }, 120_000);
  afterAll(async () => {
    await harness?.[Symbol.asyncDispose]();
  });

  it("serves what is in public, at once when it changes, and reads only", async () => {
    const page = await get("/");
    expect([page.status, page.text, page.headers.get("content-type")]).toEqual([200, "<h1>hello</h1>", "text/html; charset=utf-8"]);
    expect([page.headers.get("cache-control"), page.headers.get("x-content-type-options"), page.headers.get("server")]).toEqual([
      "no-cache",
      "nosniff",
      "nginx",
    ]);
    mkdirSync(join(site.folder, "public/docs"), { mode: 0o770 });
    own("public/docs");
    put("public/docs/index.html", "docs");
    put("public/404.html", "own 404");
    const folder = await get("/docs");
    expect([folder.status, folder.headers.get("location")]).toEqual([301, "/docs/"]);
    expect((await get("/docs/")).text).toBe("docs");
    expect(await get("/none")).toMatchObject({ status: 404, text: "own 404" });
    put("public/.env", "hush");
    expect(await get("/.env")).toMatchObject({ status: 404, text: "own 404" });
    expect((await get("/", { method: "POST", body: "x" })).status).not.toBe(200);
  });

  it("follows links inside public, and none that leads elsewhere", async () => {
    put("private/secret.txt", "hush");
    for (const [name, target] of [
      ["inside.html", "docs/index.html"],
      ["secret.txt", "../private/secret.txt"],
      ["passwd", "/etc/passwd"],
      ["types", "/etc/nginx/mime.types"],
      ["environ", "/proc/self/environ"],
      ["config", "/tmp/nginx.conf"],
      ["root", "/"],
    ] as const) {
      symlinkSync(target, join(site.folder, "public", name));
      own(`public/${name}`);
    }
    expect((await get("/inside.html")).text).toBe("docs");
    for (const path of ["/secret.txt", "/passwd", "/types", "/environ", "/config", "/root/etc/passwd", "/root/", "/..%2fprivate/secret.txt"]) {
      const { status, text } = await get(path);
      expect([path, status === 404 || status === 400, text.includes("hush") || text.includes("root:x")]).toEqual([path, true, false]);
    }
  });

  it("has no rights, belongs to nobody, and sees nothing of the site but public", async () => {
    const [node] = harness.swarm.nodes;
    const [found] = await node.docker.listContainers({ filters: JSON.stringify({ label: ["backlot.site=7"] }) });
    const { State: state, HostConfig: host } = await node.docker.getContainer(found?.Id ?? "").inspect();
    const [nginx = ""] = readFileSync(`/proc/${state.Pid}/task/${state.Pid}/children`, "utf8").trim().split(" ");
    const status = readFileSync(`/proc/${nginx}/status`, "utf8");
    expect(status).toMatch(/^CapBnd:\s+0{16}$/m);
    expect(status).toMatch(/^NoNewPrivs:\s+1$/m);
    expect(status).toMatch(/^Seccomp:\s+2$/m);
    expect(status).toMatch(/^Uid:\s+65534\s/m);
    expect(readdirSync(`/proc/${state.Pid}/root/site`)).toEqual(["public"]);
    expect(readFileSync(`/proc/${state.Pid}/mountinfo`, "utf8")).toMatch(/ \/site\/public ro,/);
    expect(host.ReadonlyRootfs).toBe(true);
  });

  it("carries the labels by which Traefik finds it, like any other service", async () => {
    const { Spec: spec } = await harness.swarm.nodes[0].docker.getService("site_0007").inspect();
    expect(spec.Labels).toMatchObject({
      "traefik.http.routers.site-7.rule": "Host(`site-7.example.org`)",
      "traefik.http.routers.site-7.service": "site-7-service",
      "traefik.http.services.site-7-service.loadbalancer.server.port": "8080",
    });
  });

  it("has a terminal in the default image or the site's own, not in that of the file server", async () => {
    const runtime = harness.again({ staticImage: nginxImage });
    const enter = async (key: string, image?: string): Promise<string> => {
      const spec = image === undefined ? site.spec : { ...site.spec, image };
      const command = "command -v nginx || echo none";
      const { output, exited } = await runtime.enter({ key, spec, folder: site.folder, command, size: null, environment: {} });
      const [printed] = await Promise.all([text(output), exited]);
      return printed.trim();
    };
    expect([await enter("plain"), await enter("own", nginxImage)]).toEqual(["none", "/usr/sbin/nginx"]);
  });

  it("is frozen, goes on, sleeps and wakes like any other", async () => {
    await running.freeze();
    await running.thaw();
    expect((await get("/")).status).toBe(200);
    await running.stop(1_000);
    running = await startStatic(7);
    await running.whenListening(soon());
    expect((await get("/inside.html")).text).toBe("docs");
  });

  it("is woken by its orchestrator like a program, without a run.sh, and ends when the site has it no more", async () => {
    await using home = await makeOrchestratorHome();
    const places = { sitesFolder: join(home.data, "sites"), stateFolder: join(home.data, "state") };
    const runtime = harness.again({ ...places, staticImage: nginxImage });
    const { client } = await startOrchestratorUnderTest(home, { runtime, ownerOf: siteOwner });
    const spec = specOf(50, { kind: "static", isDedicated: true });
    const params = { siteId: 50 };
    await client.call(applySite, { params, body: spec });
    expect((await client.call(readSiteStatus, { params })).state).toBe("asleep");
    const { address } = await client.call(wakeSite, { params });
    if (!("port" in address)) throw new Error("a site in a swarm has a port");
    const ask = () => fetch(`http://${address.host}:${address.port}/`, { signal: soon() });
    // An empty folder: it answers, and lists nothing.
    expect((await ask()).status).toBe(404);
    expect((await client.call(readSiteStatus, { params })).state).toBe("running");
    await client.call(applySite, { params, body: { ...spec, isDedicated: false, revision: 2 } });
    await expect
      .poll(
        () =>
          ask().then(
            () => "answers",
            () => "gone",
          ),
        { timeout: 30_000 },
      )
      .toBe("gone");
    await expect(client.call(wakeSite, { params })).rejects.toMatchObject({ code: "site_static" });
  });

  it("is not started for a public that is a link, nor serves one that was exchanged meanwhile", async () => {
    await running.stop(1_000);
    renameSync(join(site.folder, "public"), join(site.folder, "kept"));
    symlinkSync("/etc", join(site.folder, "public"));
    await expect(harness.again({ staticImage: nginxImage }).start(site)).rejects.toMatchObject({ code: "public_not_folder" });
    const [node] = harness.swarm.nodes;
    const container = await node.docker.createContainer({
      Image: nginxImage,
      Cmd: ["/bin/sh", "-c", staticEntryScript],
      Env: ["PUBLIC_MARK=1:1", "NGINX_CONFIG="],
      HostConfig: { Mounts: [{ Type: "bind", Source: "/etc", Target: "/site/public", ReadOnly: true }] as Docker.MountSettings[] },
    });
    await container.start();
    expect(await container.wait()).toMatchObject({ StatusCode: 1 });
    expect(String(await container.logs({ stdout: true, stderr: true }))).toContain("was exchanged while the file server started");
    await container.remove();
  });

  it("is refused where there is no image for it", async () => {
    const plain = harness.again();
    expect((await plain.probe()).dedicates).toBe(false);
    await expect(plain.start(site)).rejects.toMatchObject({ code: "dedicated_unavailable" });
  });
});
