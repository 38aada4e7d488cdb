import type { NodeKind } from "#contract/api/nodes.ts";
import type { NodeReport } from "#contract/internal/nodes.ts";

/** What a process says of itself with each heartbeat. */
export interface NodeBeat {
  readonly id: string;
  readonly kind: NodeKind;
  readonly host: string;
  /** Its internal address; null for what nobody calls. */
  readonly url: string | null;
  readonly version: string;
  /** Orchestrators only. */
  readonly report: NodeReport | null;
}

/** A process of the installation, as its last heartbeat told. */
export interface Node extends NodeBeat {
  /** In the order in which they were first seen: the lowest orchestrator holds what was never placed. */
  readonly number: number;
  readonly isDrained: boolean;
  readonly firstSeenAt: Date;
  readonly lastSeenAt: Date;
  /** How long ago its last heartbeat was, by the database's clock, in milliseconds. */
  readonly silentMs: number;
}

/** Orchestrators among nodes, the first one first. */
export function orchestratorsOf(nodes: readonly Node[]): readonly Node[] {
  return nodes.filter((node) => node.kind === "orchestrator").sort((a, b) => a.number - b.number);
}
