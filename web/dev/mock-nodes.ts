import type { NodeView } from "#contract/api/nodes.ts";
import { Failure } from "#contract/failure.ts";
import type { MockCall, MockHandler } from "./mock-call.ts";

const minutesAgo = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString();

const drained = new WeakMap<object, Set<string>>();

function nodes({ world }: MockCall): NodeView[] {
  const isDrained = (id: string): boolean => drained.get(world)?.has(id) === true;
  return [
    machine("node-1", "north", { sites: 14, isDrained: isDrained("node-1") }),
    machine("node-2", "south", { sites: 11, isDrained: isDrained("node-2") }),
    lost,
    ...others,
  ];
}

function machine(id: string, host: string, { sites, isDrained }: { readonly sites: number; readonly isDrained: boolean }): NodeView {
  return {
    ...{ id, kind: "orchestrator", host: `${host}.school.example`, url: `http://${host}.school.example:8100`, version: "0.5.0", isDrained, sites },
    state: isDrained ? "draining" : "up",
    explanation: isDrained ? `${sites} sites still to move to other machines.` : "It answers.",
    firstSeenAt: minutesAgo(60 * 24 * 40),
    lastSeenAt: minutesAgo(0),
    report: {
      ...{ runtime: "swarm", startedAt: minutesAgo(60 * 31), cores: 8, loadAverage: [1.42, 1.1, 0.9], memoryBytes: 33_500_000_000 },
      ...{ freeMemoryBytes: 12_400_000_000, freeDiskBytes: 410_000_000_000, isolates: true, missing: [], running: 5, frozen: 3, sharesFiles: true },
    },
  };
}

const lost: NodeView = {
  ...machine("node-3", "west", { sites: 0, isDrained: false }),
  state: "lost",
  explanation: "Nothing was heard of it for 12 minutes.",
  lastSeenAt: minutesAgo(12),
};
const others: readonly NodeView[] = (["router", "manager", "worker"] as const).map((kind) => ({
  ...{ id: `${kind}-north`, kind, host: "north.school.example", url: null, version: "0.5.0", state: "up", explanation: "It answers." },
  ...{ firstSeenAt: minutesAgo(900), lastSeenAt: minutesAgo(0), isDrained: false, sites: 0, report: null },
}));

/** Pretended machines; draining one stays at its beginning. */
export const mockNodeHandlers: Readonly<Record<string, MockHandler>> = {
  "nodes.list": (call) => ({ nodes: nodes(call) }),
  "nodes.update": (call) => {
    const { id = "" } = call.params;
    const set = drained.get(call.world) ?? new Set();
    drained.set(call.world, set);
    if ((call.body as { readonly drained: boolean }).drained) set.add(id);
    else set.delete(id);
    const node = nodes(call).find((each) => each.id === id);
    if (node === undefined) throw new Failure("node_not_found");
    return { node };
  },
  "nodes.forget": () => undefined,
};
