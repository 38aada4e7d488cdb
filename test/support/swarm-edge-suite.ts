// What balancers learn of a site on a swarm while it changes: Traefik by the labels of its service, HAProxy by its map; called by `swarm-sites.test.ts`.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { deleteSite } from "#contract/api/sites.ts";
import { mustRun } from "#orchestrator/runtime/process/run-command.ts";
import { serviceName } from "#orchestrator/runtime/swarm/service-spec.ts";
import { edgeUser, prepareRunFolder } from "#router/edge/run-folder.ts";
import type { SwarmOpened } from "./swarm-stage.ts";

interface Inspected {
  readonly Spec: {
    readonly Labels: Readonly<Record<string, string>>;
    readonly Mode: { readonly Replicated: { readonly Replicas: number } };
    readonly TaskTemplate: {
      readonly ContainerSpec: { readonly Image: string; readonly Mounts: readonly { readonly Target: string; readonly ReadOnly?: boolean }[] };
    };
  };
}

/** `programOf`: a run.sh whose every start answers with its site's name and another text; `domain`: of the labels; `staticImage`: of sites with a file server. */
export function swarmEdgeSuite(
  opened: () => SwarmOpened,
  given: {
    readonly programOf: (name: string) => string;
    readonly patience: { readonly timeout: number };
    readonly domain: string;
    readonly staticImage: string;
  },
): void {
  const { programOf, patience, domain, staticImage } = given;
  const specOf = async (siteId: number): Promise<Inspected["Spec"]> => {
    const { host } = opened().all.swarm.nodes[0];
    const [found] = JSON.parse(await mustRun(["/usr/bin/docker", "-H", host, "service", "inspect", serviceName(siteId, "first")])) as Inspected[];
    if (found === undefined) throw new Error(`there is no service of site ${siteId}`);
    return found.Spec;
  };
  const labelsOf = async (siteId: number) =>
    Object.fromEntries(Object.entries((await specOf(siteId)).Labels).filter(([label]) => !label.startsWith("backlot.")));
  const saying = (name: string) => ({
    [`traefik.http.routers.${name}.rule`]: `Host(\`${name}.${domain}\`)`,
    [`traefik.http.routers.${name}.service`]: `${name}-service`,
    [`traefik.http.services.${name}-service.loadbalancer.server.port`]: "8080",
  });
  const containersOf = async (siteId: number): Promise<readonly string[]> => {
    const filters = JSON.stringify({ label: [`backlot.site=${siteId}`] });
    return (await Promise.all(opened().all.swarm.nodes.map(({ docker }) => docker.listContainers({ filters })))).flat().map(({ Id: id }) => id);
  };
  const inMap = async (name: string): Promise<string> => {
    const map = await readFile(join(await prepareRunFolder(opened().all.backlot.data, edgeUser(undefined)), "routes.map"), "utf8");
    return new RegExp(`^${name}\\.localhost (.*)$`, "m").exec(map)?.[1] ?? "nowhere";
  };
  const visited = async (name: string): Promise<string> => {
    const { status, text } = await opened().all.backlot.visit(name);
    expect({ name, status }).toEqual({ name, status: 200 });
    return text;
  };

  test("a site that is renamed or closed says so to Traefik while its program goes on, and whoever gets its old name gets none of its labels", {
    timeout: 240_000,
  }, async () => {
    const { admin, stage } = opened();
    const running = async (name: string): Promise<number> => {
      const { id } = await admin.createSite(name, "dynamic");
      await stage.configure(name, { settings: { idleSeconds: null } });
      await stage.putProgram(name, programOf(name));
      await visited(name);
      return id;
    };
    const ann = await running("market");
    const [text, containers] = [await visited("market"), await containersOf(ann)];
    expect([containers.length, await labelsOf(ann)]).toEqual([1, saying("market")]);

    await stage.configure("market", { name: "bazaar" });
    expect(await labelsOf(ann)).toEqual(saying("bazaar"));
    const ben = await running("market");
    expect([await labelsOf(ann), await labelsOf(ben)]).toEqual([saying("bazaar"), saying("market")]);
    // Nobody started it anew: the swarm had time enough while Ben's came up.
    expect([await visited("bazaar"), await containersOf(ann)]).toEqual([text, containers]);
    expect(await visited("market")).not.toBe(text);

    await stage.configure("bazaar", { availability: "not-served", reason: "to be tried" });
    expect([await labelsOf(ann), await labelsOf(ben)]).toEqual([{}, saying("market")]);
    await stage.configure("bazaar", { availability: "enabled", reason: "was tried" });
    await visited("bazaar");
    expect(await labelsOf(ann)).toEqual(saying("bazaar"));
    for (const name of ["bazaar", "market"]) await admin.succeeded((await admin.client.call(deleteSite, { params: { name } })).operation);
  });

  test("a static site gets a file server of its own from the API to HAProxy, and its place in the shared one back, without a failed visit", {
    timeout: 240_000,
  }, async () => {
    const { admin, stage } = opened();
    const { id } = await admin.createSite("brochure", "static");
    await admin.put("brochure", "public/index.html", "brochure by file");
    expect(await visited("brochure")).toBe("brochure by file");
    await expect.poll(() => inMap("brochure"), patience).toMatch(/^static\|/);
    const load = stage.visitors(["brochure"]);
    /** How many more each HAProxy brought there at least. */
    const morePast = (server: string, before: readonly number[]) => async () =>
      Math.min(...(await stage.broughtTo(server)).map((now, index) => now - (before[index] ?? 0)));

    await stage.configure("brochure", { dedicated: true });
    await expect.poll(() => inMap("brochure"), patience).toMatch(/^live\|\d+\.\d+\.\d+\.\d+\|\d+\|/);
    await expect.poll(morePast("live,kept", await stage.broughtTo("live,kept")), patience).toBeGreaterThan(10);
    expect(await visited("brochure")).toBe("brochure by file");
    const { ContainerSpec: container } = (await specOf(id)).TaskTemplate;
    expect([await labelsOf(id), container.Image]).toEqual([saying("brochure"), staticImage]);
    expect(container.Mounts.filter(({ Target: target }) => target.startsWith("/site"))).toEqual([
      expect.objectContaining({ Target: "/site/public", ReadOnly: true }),
    ]);

    await stage.configure("brochure", { dedicated: false });
    await expect.poll(() => inMap("brochure"), patience).toMatch(/^static\|/);
    await expect.poll(async () => (await specOf(id)).Mode.Replicated.Replicas, patience).toBe(0);
    await expect.poll(morePast("static,nginx", await stage.broughtTo("static,nginx")), patience).toBeGreaterThan(10);
    expect([await labelsOf(id), await visited("brochure")]).toEqual([{}, "brochure by file"]);
    const { count, failed } = await load.stop();
    expect({ failed, isBusy: count > 40 }).toEqual({ failed: [], isBusy: true });
    await admin.succeeded((await admin.client.call(deleteSite, { params: { name: "brochure" } })).operation);
  });
}
