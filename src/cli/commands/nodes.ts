import { listNodes, type NodeView, updateNode } from "#contract/api/nodes.ts";
import { usageError } from "../exit-code.ts";
import { needSignIn, type Session } from "../session.ts";
import { columnsOf } from "../terminal.ts";

/** Lists the installation's processes, orchestrators first. */
export async function showNodes(session: Session): Promise<void> {
  needSignIn(session);
  const { nodes } = await session.client.call(listNodes, {});
  const rows = nodes.map((node) => [node.id, node.kind, node.host, node.state, loadOf(node), freeOf(node), sitesOf(node), node.version]);
  await session.answer({ nodes }, columnsOf([["ID", "KIND", "HOST", "STATE", "LOAD", "FREE MEMORY", "SITES", "VERSION"], ...rows]));
}

/** Drains an orchestrator, or lets it take sites again. The start of an id is enough where it is one node's alone. */
export async function setDrained(session: Session, id: string, drained: boolean): Promise<void> {
  needSignIn(session);
  const { nodes } = await session.client.call(listNodes, {});
  const found = nodes.filter((node) => node.kind === "orchestrator" && (node.id === id || node.id.startsWith(id)));
  const [chosen] = found;
  if (chosen === undefined) throw usageError(`There is no orchestrator with the id ${id}. See backlot node ls.`);
  if (found.length > 1) throw usageError(`${found.length} orchestrators have an id that begins with ${id}. Give more of it.`);
  const { node } = await session.client.call(updateNode, { params: { id: chosen.id }, body: { drained } });
  await session.answer({ node }, `${node.host}: ${node.state}. ${node.explanation}\n`);
}

function loadOf({ report }: NodeView): string {
  return report === null ? "" : `${report.loadAverage[0].toFixed(2)} of ${report.cores}`;
}

function freeOf({ report }: NodeView): string {
  return report === null ? "" : `${(report.freeMemoryBytes / 1e9).toFixed(1)} of ${(report.memoryBytes / 1e9).toFixed(1)} GB`;
}

function sitesOf({ kind, sites, report }: NodeView): string {
  return kind === "orchestrator" ? `${sites} (${report?.running ?? 0} running)` : "";
}
