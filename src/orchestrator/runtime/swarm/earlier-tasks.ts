import type Docker from "dockerode";
import { labels } from "./labels.ts";

/** A task of the swarm, as far as it matters whether its program runs. */
export interface SwarmTask {
  readonly NodeID?: string;
  readonly Status: { readonly State: string };
  readonly Spec?: { readonly ContainerSpec?: { readonly Labels?: Readonly<Record<string, string>> } };
}

/** A node of the swarm as its manager knows it; the types of the library say less. */
export interface SwarmNodeState {
  readonly ID?: string;
  readonly Description?: { readonly Hostname?: string };
  readonly Status?: { readonly State?: string };
}

export interface EarlierOf {
  readonly installation: string;
  readonly siteId: number;
  /** Of whoever asks: what was started before that. */
  readonly placement: number;
  /** Of whoever asks: what runs there, it ends itself. */
  readonly nodeId: string;
}

const hasEnded = /^(complete|shutdown|failed|rejected|orphaned|remove)$/;

/** Nodes on which a program of an earlier orchestrator may run, by name: those of tasks that have not ended, unless the swarm says that the node is down or gone. */
export function nodesInTheWay(of: EarlierOf, tasks: readonly SwarmTask[], nodes: readonly SwarmNodeState[]): readonly string[] {
  const names = tasks.flatMap(({ NodeID: nodeId = "", Status: status, Spec: spec }) => {
    const found = spec?.ContainerSpec?.Labels ?? {};
    const isEarlier =
      found[labels.installation] === of.installation && found[labels.site] === String(of.siteId) && Number(found[labels.placement] ?? 0) < of.placement;
    // One that was given to no node yet, and is not wanted any more, never will be.
    if (!isEarlier || hasEnded.test(status.State) || nodeId === "" || nodeId === of.nodeId) return [];
    const node = nodes.find((candidate) => candidate.ID === nodeId);
    return node === undefined || node.Status?.State === "down" ? [] : [node.Description?.Hostname ?? nodeId];
  });
  return [...new Set(names)];
}

/** Asks a manager of the swarm for them. */
export async function findNodesInTheWay(docker: Docker, of: EarlierOf): Promise<readonly string[]> {
  const filters = JSON.stringify({ label: [`${labels.installation}=${of.installation}`, `${labels.site}=${of.siteId}`] });
  const tasks: readonly SwarmTask[] = await docker.listTasks({ filters });
  return tasks.length === 0 ? [] : nodesInTheWay(of, tasks, await docker.listNodes());
}
