import type { NodeKind } from "#contract/api/nodes.ts";
import type { NodeBeat } from "./node.ts";

/** The heartbeat of a process that is no orchestrator. `key` tells it from its like on the same host, and is the same after a restart. */
export function ownNode(about: {
  readonly kind: NodeKind;
  readonly host: string;
  readonly key: string;
  readonly url: string | null;
  readonly version: string;
}): NodeBeat {
  const { kind, host, url, version } = about;
  return { id: nodeIdOf(kind, host, about.key), kind, host, url, version, report: null };
}

/** An id that `nodes` can have: made of what a person recognizes. */
export function nodeIdOf(kind: NodeKind, host: string, key: string): string {
  const plain = `${kind}-${host}-${key}`.toLowerCase().replace(/[^a-z0-9]+/g, "-");
  return plain.replace(/^-+|-+$/g, "").slice(0, 64);
}
