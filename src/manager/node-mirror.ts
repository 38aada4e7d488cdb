import { readEvents } from "#contract/events.ts";
import * as api from "#contract/internal/orchestrator.ts";
import type { SiteStatus } from "#contract/site.ts";
import type { ComponentClient } from "#kit/component-client.ts";
import type { Log } from "#kit/log.ts";

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
  readonly #stopping = new AbortController();
  #loop: Promise<void> | undefined;
  #lostAt: number | null = null;

  constructor(deps: NodeMirrorDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#loop = this.#follow();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  statusOf(siteId: number): SiteStatus | undefined {
    if (this.#lostAt !== null && Date.now() - this.#lostAt > believedMs) return undefined;
    return this.#statuses.get(siteId);
  }

  async #follow(): Promise<void> {
    let delayMs = 50;
    while (!this.#stopping.signal.aborted) {
      try {
        const response = await this.#deps.client.fetch(api.followStatuses, { signal: this.#stopping.signal });
        if (response.body === null) throw new Error("the stream has no body");
        delayMs = 50;
        // The stream begins with all sites that are not at rest; what was known before may be out of date.
        this.#statuses.clear();
        this.#lostAt = null;
        this.#deps.onConnected();
        for await (const event of readEvents(response.body)) this.#take(api.siteStatusEvent.parse(JSON.parse(event.data)));
      } catch (error) {
        if (this.#stopping.signal.aborted) return;
        this.#deps.log.debug({ err: error }, "an orchestrator's events ended");
      }
      this.#lostAt ??= Date.now();
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      delayMs = Math.min(delayMs * 2, 2_000);
    }
  }

  #take(change: { readonly siteId: number; readonly status: SiteStatus }): void {
    this.#statuses.set(change.siteId, change.status);
    this.#deps.onStatus(change);
  }
}
