import type { NodeReport } from "#contract/internal/nodes.ts";
import type { Node } from "#core/nodes/node.ts";

const at = new Date("2026-11-22T09:00:00Z");

/** What a heartbeat tells, with whatever the test cares about. */
export function nodeReport(changes: Partial<NodeReport> = {}): NodeReport {
  return {
    ...{ id: "a", host: "north", version: "1.0.0", runtime: "process", storage: "nfs", startedAt: at.toISOString(), cores: 2 },
    ...{ loadAverage: [0.1, 0.1, 0.1], memoryBytes: 8e9, freeMemoryBytes: 4e9, freeDiskBytes: 1e11, isolates: true, missing: [] },
    sites: { held: 0, running: 0, frozen: 0 },
    ...changes,
  };
}

/** An orchestrator that is up and shares its files, with whatever the test cares about. */
export function node(changes: Partial<Node> = {}): Node {
  const { id = "a", number = 1 } = changes;
  return {
    ...{ id, number, kind: "orchestrator", host: "north", url: `http://127.0.0.1:${8100 + number}`, version: "1.0.0", report: nodeReport({ id }) },
    ...{ isDrained: false, firstSeenAt: at, lastSeenAt: at, silentMs: 500 },
    ...changes,
  };
}
