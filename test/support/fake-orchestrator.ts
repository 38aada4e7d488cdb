import { buffer } from "node:stream/consumers";
import { Failure } from "#contract/failure.ts";
import { accessEndpoints, type StaleAccess } from "#contract/internal/access.ts";
import { siteFileEndpoints } from "#contract/internal/files.ts";
import type { NodeReport } from "#contract/internal/nodes.ts";
import { orchestratorEndpoints } from "#contract/internal/orchestrator.ts";
import { runEndpoints } from "#contract/internal/runs.ts";
import { terminalEndpoints } from "#contract/internal/terminals.ts";
import type { SiteStatus } from "#contract/site.ts";
import type { ClusterKey } from "#kit/cluster-key.ts";
import { eventStream } from "#kit/http/event-stream.ts";
import { type FakeComponent, startFakeComponent } from "./fake-component.ts";
import { FakeRuns } from "./fake-runs.ts";
import { FakeTerminals } from "./fake-terminals.ts";

/** What the fake keeps, for a test to look at. */
export interface FakeOrchestratorState {
  readonly specs: Map<number, { readonly revision: number }>;
  readonly files: Map<string, Buffer>;
  readonly statuses: Map<number, SiteStatus>;
  readonly log: { readonly at: string; readonly stream: "stdout"; readonly line: string }[];
  isolates: boolean;
  /** Whether it has file servers for static sites. */
  dedicates: boolean;
  node: Omit<NodeReport, "sites">;
  readonly runs: FakeRuns;
  readonly terminals: FakeTerminals;
  /** Whose access waits for a renewal, until it was asked for. */
  readonly stale: StaleAccess[];
}

const at = "2026-11-21T12:00:00.000Z";

/** An orchestrator without sites: it remembers what it was told. */
export async function startFakeOrchestrator(key: ClusterKey, port?: number): Promise<FakeComponent & { readonly state: FakeOrchestratorState }> {
  const state: FakeOrchestratorState = {
    specs: new Map(),
    files: new Map(),
    statuses: new Map(),
    log: [],
    isolates: true,
    dedicates: false,
    node: {
      ...{ id: "fake-orchestrator", host: "fake", version: "1.0.0", runtime: "process", storage: null, startedAt: at, cores: 2 },
      ...{ loadAverage: [0.5, 0.4, 0.3], memoryBytes: 8e9, freeMemoryBytes: 4e9, freeDiskBytes: 1e11, isolates: true, missing: [] },
    },
    runs: new FakeRuns(),
    terminals: new FakeTerminals(),
    stale: [],
  };
  const started = (call: { readonly params: Record<string, unknown> }) => {
    const siteId = Number(call.params.siteId);
    state.statuses.set(siteId, { state: "running", reason: null, since: at });
    return { address: { host: "127.0.0.1", port: 1 }, instance: String(call.params.instance ?? "woken"), bootMs: 5 };
  };
  const fake = await startFakeComponent({
    audience: "orchestrator",
    key,
    ...(port === undefined ? {} : { port }),
    endpoints: [...orchestratorEndpoints, ...siteFileEndpoints, ...runEndpoints, ...terminalEndpoints, ...accessEndpoints],
    handlers: {
      ...state.runs.handlers,
      ...state.terminals.handlers,
      "access.stale": async () => ({ stale: state.stale.splice(0) }),
      "site.apply": async (call) => void state.specs.set(Number((call.params as { siteId: number }).siteId), call.body as unknown as { revision: number }),
      "site.leave": async (call) => void state.specs.delete(Number((call.params as { siteId: number }).siteId)),
      "node.read": async () => ({ ...state.node, sites: { held: state.specs.size, running: 0, frozen: 0 } }),
      "site.remove": async (call) => void state.specs.delete(Number((call.params as { siteId: number }).siteId)),
      "site.list": async () => ({
        sites: [...state.specs].map(([siteId, spec]) => ({ siteId, revision: spec.revision, status: { state: "asleep", reason: null, since: at } })),
      }),
      "site.wake": async (call) => started(call),
      "site.instance.start": async (call) => started(call),
      "site.sleep": async () => ({ status: { state: "asleep", reason: null, since: at } }),
      "site.status": async (call) => state.statuses.get(Number((call.params as { siteId: number }).siteId)) ?? { state: "asleep", reason: null, since: at },
      "site.status.follow": async (call) => eventStream(until(call.signal), call.signal),
      "site.logs": async (call) => {
        const isFollowing = (call.query as unknown as { follow: boolean }).follow;
        const lines = state.log.map((line) => `${JSON.stringify(line)}\n`);
        return isFollowing ? linesThenWait(lines, call.signal) : lines.join("");
      },
      "folder.list": async () => ({ entries: [] }),
      "file.read": async (call) => {
        const path = (call.query as unknown as { path: string }).path;
        const found = state.files.get(path);
        if (found === undefined) throw new Failure("file_not_found", { path });
        return found;
      },
      "file.write": async (call) => {
        const path = (call.query as unknown as { path: string }).path;
        const bytes = await buffer(call.stream);
        const created = !state.files.has(path);
        state.files.set(path, bytes);
        return { created, sha256: "0".repeat(64), size: bytes.length };
      },
      "files.changes": async (call) => eventStream(until(call.signal), call.signal),
      "usage.read": async () => ({ bytes: 1, files: 1 }),
      "upload.write": async (call) => ({ size: (await buffer(call.stream)).length, sha256: "0".repeat(64) }),
      "deployment.unpack": async () => ({ files: 2, bytes: 10 }),
      "deployment.place": async () => ({ written: 2, removed: 0 }),
      "capabilities.read": async () => ({
        isolates: state.isolates,
        missing: state.isolates ? [] : ["bubblewrap is not installed"],
        limits: { memory: true, cpu: true, pids: true },
        freezes: true,
        freezeNote: null,
        egress: { isAvailable: state.isolates, notes: state.isolates ? [] : ["Backlot does not run as root."] },
        dedicates: state.dedicates,
        interpreters: { node: "24.0.0" },
        starters: [
          { name: "static", title: "Static", description: "Pages", kind: "static", needs: [] },
          { name: "node", title: "Node", description: "A server", kind: "dynamic", needs: ["node"] },
          { name: "python", title: "Python", description: "A server", kind: "dynamic", needs: ["python3"] },
        ],
      }),
    },
  });
  return Object.assign(fake, { state });
}

async function* until(signal: AbortSignal): AsyncGenerator<never> {
  await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
}

async function* linesThenWait(lines: readonly string[], signal: AbortSignal): AsyncGenerator<string> {
  // An empty line at once: without a byte the answer's head is not sent.
  yield "\n";
  yield* lines;
  yield* until(signal);
}
