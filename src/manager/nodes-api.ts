import type { FastifyInstance } from "fastify";
import * as api from "#contract/api/nodes.ts";
import { Failure } from "#contract/failure.ts";
import { type Candidate, heirsOf } from "#core/nodes/choose-node.ts";
import type { Fleet } from "#core/nodes/fleet.ts";
import { judgeNode } from "#core/nodes/judge-node.ts";
import type { Node } from "#core/nodes/node.ts";
import type { NodeStore } from "#core/nodes/node-store.ts";
import { mount } from "#kit/http/mount.ts";
import type { Note } from "./audit-trail.ts";
import type { personGuards } from "./person-guard.ts";

/** What the endpoints of nodes need. */
export interface NodesDeps {
  readonly guards: Pick<ReturnType<typeof personGuards>, "person">;
  readonly nodes: NodeStore;
  readonly fleet: Fleet;
  readonly note: Note;
}

/** Serves what processes there are and how they are, to administrators. */
export function mountNodes(app: FastifyInstance, deps: NodesDeps): void {
  const at = { app, guard: deps.guards.person };
  mount(at, api.listNodes, async () => {
    const candidates = await deps.fleet.candidates();
    return { nodes: [...deps.fleet.nodes].sort(byKind).map((node) => viewOf(node, candidates, deps.fleet.lostMs)) };
  });
  mount(at, api.updateNode, async ({ params, body, caller }) => {
    const node = await deps.nodes.setDrained(params.id, body.drained);
    if (node === null) throw new Failure("node_not_found");
    await deps.note(caller.actor, body.drained ? "nodes.drain" : "nodes.undrain", { details: { node: node.id, host: node.host } });
    await deps.fleet.beat();
    return { node: viewOf(node, await deps.fleet.candidates(), deps.fleet.lostMs) };
  });
  mount(at, api.forgetNode, async ({ params, caller }) => {
    const node = (await deps.nodes.all()).find(({ id }) => id === params.id);
    if (node === undefined) throw new Failure("node_not_found");
    const sites = (await deps.fleet.candidates()).find((candidate) => candidate.node.id === node.id)?.sites ?? 0;
    if (sites > 0) throw new Failure("node_in_use", { reason: `it is responsible for ${sites} sites` });
    if (node.silentMs <= deps.fleet.lostMs) throw new Failure("node_in_use", { reason: "it still answers" });
    await deps.nodes.remove(node.id);
    await deps.note(caller.actor, "nodes.forget", { details: { node: node.id, host: node.host } });
    await deps.fleet.beat();
    return undefined;
  });
}

function viewOf(node: Node, candidates: readonly Candidate[], lostMs: number): api.NodeView {
  const sites = candidates.find((candidate) => candidate.node.id === node.id)?.sites ?? 0;
  const heirs = heirsOf(node, candidates, lostMs);
  const { report } = node;
  return {
    ...{ id: node.id, kind: node.kind, host: node.host, url: node.url, version: node.version, isDrained: node.isDrained, sites },
    ...judgeNode(node, { lostMs, sites, canGiveAway: heirs.length > 0 }),
    firstSeenAt: node.firstSeenAt.toISOString(),
    lastSeenAt: node.lastSeenAt.toISOString(),
    report:
      report === null
        ? null
        : {
            ...{ runtime: report.runtime, startedAt: report.startedAt, cores: report.cores, loadAverage: report.loadAverage },
            ...{ memoryBytes: report.memoryBytes, freeMemoryBytes: report.freeMemoryBytes, freeDiskBytes: report.freeDiskBytes },
            ...{ isolates: report.isolates, missing: report.missing, running: report.sites.running, frozen: report.sites.frozen },
            sharesFiles: report.storage !== null,
          },
  };
}

function byKind(a: Node, b: Node): number {
  return api.nodeKinds.indexOf(a.kind) - api.nodeKinds.indexOf(b.kind) || a.number - b.number;
}
