// What a Backlot on a swarm does with a program that nobody visits; called by `swarm-sites.test.ts`.
import { expect, test } from "vitest";
import { deleteSite, sleepSite } from "#contract/api/sites.ts";
import { serviceName } from "#orchestrator/runtime/swarm/service-spec.ts";
import type { SwarmBacklot } from "./swarm-backlot.ts";
import type { SwarmOpened } from "./swarm-stage.ts";

/** `program`: a run.sh whose every start answers with another text. */
export function swarmRestSuite(opened: () => SwarmOpened, given: { readonly program: string; readonly patience: { readonly timeout: number } }): void {
  test("pauses the container of a site that nobody visits, goes on with it for the next visitor, and starts a new one for a site that sleeps", {
    timeout: 240_000,
  }, async () => {
    const { all, admin, stage } = opened();
    const params = { name: "resting" };
    const { id } = await admin.createSite(params.name, "dynamic");
    await stage.putProgram(params.name, given.program);
    const visit = async () => {
      const { status, text } = await all.backlot.visit(params.name);
      expect(status).toBe(200);
      return text;
    };
    const seen = () => containersOf(all, id);
    const text = await visit();
    for (const _round of [1, 2]) {
      await expect.poll(seen, given.patience).toEqual({ paused: [true], replicas: 1 });
      expect(await visit()).toBe(text);
    }
    // A paused one cannot end: it goes on for that.
    await expect.poll(seen, given.patience).toEqual({ paused: [true], replicas: 1 });
    await admin.succeeded((await admin.client.call(sleepSite, { params })).operation);
    await expect.poll(seen, given.patience).toEqual({ paused: [], replicas: 0 });
    expect(await visit()).not.toBe(text);
    expect((await seen()).replicas).toBe(1);
    await admin.succeeded((await admin.client.call(deleteSite, { params })).operation);
  });
}

/** What the engines say of a site's containers, and the swarm of its service. */
export async function containersOf({ swarm }: SwarmBacklot, siteId: number) {
  const filters = JSON.stringify({ label: [`backlot.site=${siteId}`] });
  const states = swarm.nodes.map(async ({ docker }) => {
    const found = await docker.listContainers({ filters });
    return Promise.all(found.map(async ({ Id: id }) => (await docker.getContainer(id).inspect()).State.Paused));
  });
  const { Spec: spec } = await swarm.nodes[0].docker.getService(serviceName(siteId, "first")).inspect();
  return { paused: (await Promise.all(states)).flat(), replicas: Number(spec?.Mode?.Replicated?.Replicas) };
}
