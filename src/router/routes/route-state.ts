import type { RouteFeedEvent } from "#contract/internal/manager.ts";
import type { Log } from "#kit/log.ts";
import type { WakeCredentials } from "../gate/waker.ts";
import type { SnapshotFile } from "./route-snapshot.ts";
import { RouteTable } from "./route-table.ts";

/** What the router knows from the manager: the table and the credentials for waking, in memory and on disk. */
export class RouteState {
  readonly table = new RouteTable();
  readonly #file: SnapshotFile;
  readonly #log: Log;
  #credentials: WakeCredentials | null = null;

  constructor(file: SnapshotFile, log: Log) {
    this.#file = file;
    this.#log = log;
  }

  get credentials(): WakeCredentials | null {
    return this.#credentials;
  }

  /** Whether there is anything to route by. */
  get isKnown(): boolean {
    return this.#credentials !== null;
  }

  /** Takes in what an earlier router left on disk. Its version counts as 0: only the manager's word settles `whenVersion`. */
  async load(): Promise<void> {
    const snapshot = await this.#file.read();
    if (snapshot === undefined) return;
    this.table.replace(snapshot.routes, 0);
    this.#credentials = { grant: snapshot.grant, orchestrator: snapshot.orchestrator };
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
        this.#credentials = { grant: event.grant, orchestrator: event.orchestrator };
        this.table.replace(event.routes, event.version);
        this.#log.info({ routes: this.table.size, version: event.version }, "routes received");
        break;
      case "grant":
        this.#credentials = { grant: event.grant, orchestrator: event.orchestrator };
        break;
    }
    const credentials = this.#credentials;
    if (credentials === null) return;
    this.#file.changed(() => ({ version: this.table.version, routes: [...this.table.all()], ...(this.#credentials ?? credentials) }));
  }
}
