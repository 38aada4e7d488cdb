import * as api from "#contract/internal/orchestrator.ts";
import type { SiteStatus } from "#contract/site.ts";
import { steadyNow } from "#kit/clock.ts";
import type { ComponentClient } from "#kit/component-client.ts";
import type { Log } from "#kit/log.ts";
import { followFeed } from "./event-feed.ts";
import type { SteadyLoop } from "./steady-loop.ts";

/** What following one orchestrator needs. */
export interface NodeMirrorDeps {
  readonly client: ComponentClient;
  readonly log: Log;
  readonly onConnected: () => void;
  readonly onStatus: (change: { readonly siteId: number; readonly status: SiteStatus }) => void;
}

/** An orchestrator that was away for longer than a restart takes may have lost its sites to another: what it said last is not told any more. */
const believedMs = 5_000;

/** What one orchestrator says of its sites. */
export class NodeMirror {
  readonly #deps: NodeMirrorDeps;
  readonly #statuses = new Map<number, SiteStatus>();
  readonly #loop: SteadyLoop;
  #lostAt: number | null = null;

  constructor(deps: NodeMirrorDeps) {
    this.#deps = deps;
    this.#loop = followFeed({
      name: "states of sites",
      open: (signal) => deps.client.fetch(api.followStatuses, { signal }),
      take: (data) => this.#take(api.siteStatusEvent.parse(data)),
      onOpened: () => {
        // The stream begins with all sites that are not at rest; what was known before may be out of date.
        this.#statuses.clear();
        this.#lostAt = null;
        deps.onConnected();
      },
      onLost: () => {
        this.#lostAt ??= steadyNow();
      },
      log: deps.log,
    });
  }

  start(): void {
    this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  statusOf(siteId: number): SiteStatus | undefined {
    if (this.#lostAt !== null && steadyNow() - this.#lostAt > believedMs) return undefined;
    return this.#statuses.get(siteId);
  }

  #take(change: { readonly siteId: number; readonly status: SiteStatus }): void {
    this.#statuses.set(change.siteId, change.status);
    this.#deps.onStatus(change);
  }
}
