import type { RouteFeedEvent } from "#contract/internal/manager.ts";
import type { Log } from "#kit/log.ts";
import type { WakeCredentials } from "../gate/waker.ts";
import type { SnapshotFile } from "./route-snapshot.ts";
import { RouteTable } from "./route-table.ts";

/** Where orchestrators are, and the token for them. */
interface KnownOrchestrators {
  readonly grant: string;
  readonly orchestrator: string;
  /** By the ids that routes name. */
  readonly nodes: Readonly<Record<string, string>>;
}

/** What the router knows from the manager: the table and the credentials for waking, in memory and on disk. */
export class RouteState {
  readonly table = new RouteTable();
  readonly #file: SnapshotFile;
  readonly #log: Log;
  #known: KnownOrchestrators | null = null;

  constructor(file: SnapshotFile, log: Log) {
    this.#file = file;
    this.#log = log;
  }

  /** How to reach the orchestrator of a site; null before the feed ever told. */
  credentials(siteId: number): WakeCredentials | null {
    if (this.#known === null) return null;
    const { grant, orchestrator, nodes } = this.#known;
    const node = this.table.byId(siteId)?.node;
    const own = node === null || node === undefined ? undefined : nodes[node];
    return { grant, orchestrator: own ?? orchestrator, isOneOfSeveral: Object.keys(nodes).length > 1 };
  }

  /** The addresses of all orchestrators that the feed told of. */
  orchestrators(): readonly string[] {
    return this.#known === null ? [] : [this.#known.orchestrator, ...Object.values(this.#known.nodes)];
  }

  /** Whether there is anything to route by. */
  get isKnown(): boolean {
    return this.#known !== null;
  }

  /** Takes in what an earlier router left on disk. Its version counts as 0: only the manager's word settles `whenVersion`. */
  async load(): Promise<void> {
    const snapshot = await this.#file.read();
    if (snapshot === undefined) return;
    this.table.replace(snapshot.routes, 0);
    this.#known = { grant: snapshot.grant, orchestrator: snapshot.orchestrator, nodes: snapshot.nodes ?? {} };
    this.#log.info({ routes: this.table.size, version: snapshot.version }, "routes loaded from disk");
  }

  /** Takes a message of the feed in. */
  apply(event: RouteFeedEvent): void {
    switch (event.type) {
      case "heartbeat":
        return;
      case "change":
        this.table.change(event.upserts, event.removed, event.version);
        break;
      case "snapshot":
        this.#known = { grant: event.grant, orchestrator: event.orchestrator, nodes: event.nodes ?? {} };
        this.table.replace(event.routes, event.version);
        this.#log.info({ routes: this.table.size, version: event.version }, "routes received");
        break;
      case "grant":
        this.#known = { grant: event.grant, orchestrator: event.orchestrator, nodes: event.nodes ?? {} };
        break;
    }
    const known = this.#known;
    if (known === null) return;
    this.#file.changed(() => ({ version: this.table.version, routes: [...this.table.all()], ...(this.#known ?? known) }));
  }
}
