import { statusOf } from "./engine.ts";
import { type Identity, identityIn, labels } from "./labels.ts";
import { unlessGone } from "./runtime-parts.ts";
import { type Slot, slotOf } from "./service-spec.ts";
import type { SwarmMachine } from "./swarm-machine.ts";

/** A site's container that an earlier orchestrator started. */
export interface LeftContainer extends Identity {
  readonly slot: Slot;
  readonly containerId: string;
  readonly image: string;
  readonly hasEgress: boolean;
}

/** The sites' containers that run on this node, the newest first. */
export async function findLeft({ docker, installation }: SwarmMachine): Promise<readonly LeftContainer[]> {
  const filters = JSON.stringify({ label: [`${labels.installation}=${installation}`, `${labels.kind}=site`] });
  const listed = await docker.listContainers({ filters });
  const left = await Promise.all(
    listed.map(async ({ Id: containerId, Labels: found, Image: image, Created: created }) => {
      const identity = identityIn(found, installation);
      // The list may be a moment old.
      const inspected =
        identity === null
          ? null
          : await docker
              .getContainer(containerId)
              .inspect()
              .catch(() => null);
      if (identity === null || inspected?.State.Running !== true) return null;
      const slot = slotOf(found["com.docker.swarm.service.name"] ?? "");
      return { ...identity, slot, containerId, image, hasEgress: found[labels.egress] === "internet", created };
    }),
  );
  return left.filter((container) => container !== null).sort((a, b) => b.created - a.created);
}

/** Ends one that nobody wants. */
export async function endLeft({ docker, services }: SwarmMachine, { siteId, slot, start, containerId }: LeftContainer): Promise<void> {
  // First, since it may be unwanted just because the swarm cannot be reached from here. It starts nothing again by itself.
  await docker
    .getContainer(containerId)
    .kill()
    .catch((error: unknown) => {
      // 404 and 409: it has ended already.
      if (![404, 409].includes(statusOf(error) ?? 0)) throw error;
    });
  await services.rest(siteId, slot, { start });
}

/** Removes the containers of runs, shells and trials that an earlier orchestrator started on this node; says how many. */
export async function removeDisposable({ docker, installation, runGroups }: SwarmMachine): Promise<number> {
  const counts = await Promise.all(
    ["run", "enter", "probe"].map(async (kind) => {
      const filters = JSON.stringify({ label: [`${labels.installation}=${installation}`, `${labels.kind}=${kind}`] });
      const left = await docker.listContainers({ all: true, filters });
      await Promise.all(left.map(({ Id: id }) => docker.getContainer(id).remove({ force: true, v: true }).catch(unlessGone)));
      return left.length;
    }),
  );
  await runGroups?.sweep();
  return counts.reduce((sum, count) => sum + count, 0);
}
