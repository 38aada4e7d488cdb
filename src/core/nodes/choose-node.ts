import type { Node } from "./node.ts";

/** An orchestrator with the number of sites that it is responsible for. */
export interface Candidate {
  readonly node: Node;
  readonly sites: number;
}

/** Whether sites may be given to an orchestrator. */
export function takesSites(node: Node, lostMs: number): boolean {
  return !node.isDrained && isHealthy(node, lostMs) && node.url !== null;
}

/** Whether an orchestrator can start programs now. */
export function isHealthy(node: Node, lostMs: number): boolean {
  return node.kind === "orchestrator" && node.silentMs <= lostMs && node.report?.trouble === undefined;
}

/** The orchestrator for one more site: the fewest sites, then the most free memory, then the one that was there first. Null when there is none. */
export function chooseNode(candidates: readonly Candidate[]): Node | null {
  return [...candidates].sort(byRoom)[0]?.node ?? null;
}

/** Spreads sites over orchestrators so that each has about as many in the end; in the order of the numbers. */
export function spreadSites(siteIds: readonly number[], candidates: readonly Candidate[]): readonly { readonly siteId: number; readonly to: Node }[] {
  const counts = new Map(candidates.map(({ node, sites }) => [node.id, sites]));
  return siteIds.flatMap((siteId) => {
    const to = chooseNode(candidates.map(({ node }) => ({ node, sites: counts.get(node.id) ?? 0 })));
    if (to === null) return [];
    counts.set(to.id, (counts.get(to.id) ?? 0) + 1);
    return [{ siteId, to }];
  });
}

/** Orchestrators that have this one's files too and may be given its sites. A node without shared storage has no such neighbours. */
export function heirsOf(node: Node, all: readonly Candidate[], lostMs: number): readonly Candidate[] {
  const storage = node.report?.storage ?? null;
  if (storage === null) return [];
  return all.filter((other) => other.node.id !== node.id && other.node.report?.storage === storage && takesSites(other.node, lostMs));
}

function byRoom(a: Candidate, b: Candidate): number {
  return a.sites - b.sites || (b.node.report?.freeMemoryBytes ?? 0) - (a.node.report?.freeMemoryBytes ?? 0) || a.node.number - b.node.number;
}
