import { readEvents } from "#contract/events.ts";
import * as api from "#contract/internal/orchestrator.ts";
import type { SiteStatus } from "#contract/site.ts";
import type { SiteHost } from "#core/sites/site-host.ts";
import type { ComponentClient } from "#kit/component-client.ts";
import type { Log } from "#kit/log.ts";

/** How long capabilities are believed before they are asked for again, in milliseconds. */
const capabilitiesMs = 60_000;

/** A change of a site's state, as the orchestrator reports it. */
export interface StatusChange {
  readonly siteId: number;
  readonly status: SiteStatus;
}

/** What the orchestrator says of its sites, kept at hand: pages of a thousand sites must not cost a thousand calls. */
export class OrchestratorMirror implements SiteHost {
  readonly #client: ComponentClient;
  readonly #log: Log;
  readonly #statuses = new Map<number, SiteStatus>();
  readonly #followers = new Set<(change: StatusChange) => void>();
  readonly #stopping = new AbortController();
  #capabilities: { readonly value: api.Capabilities; readonly until: number } | undefined;
  #loop: Promise<void> | undefined;
  /** Called whenever the stream opens: what the orchestrator may have missed meanwhile has to be told again. */
  onConnected: () => void = () => undefined;

  constructor(client: ComponentClient, log: Log) {
    this.#client = client;
    this.#log = log;
  }

  start(): void {
    this.#loop = this.#follow();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  statusOf(siteId: number): SiteStatus | undefined {
    return this.#statuses.get(siteId);
  }

  async capabilities(): Promise<api.Capabilities | null> {
    if (this.#capabilities !== undefined && this.#capabilities.until > Date.now()) return this.#capabilities.value;
    try {
      const value = await this.#client.call(api.readCapabilities, { signal: AbortSignal.timeout(5_000) });
      this.#capabilities = { value, until: Date.now() + capabilitiesMs };
      return value;
    } catch (error) {
      this.#log.warn({ err: error }, "the orchestrator's capabilities cannot be read");
      return this.#capabilities?.value ?? null;
    }
  }

  /** Calls back at each change until the returned function is called. */
  follow(onChange: (change: StatusChange) => void): () => void {
    this.#followers.add(onChange);
    return () => this.#followers.delete(onChange);
  }

  async #follow(): Promise<void> {
    let delayMs = 50;
    while (!this.#stopping.signal.aborted) {
      try {
        const response = await this.#client.fetch(api.followStatuses, { signal: this.#stopping.signal });
        if (response.body === null) throw new Error("the stream has no body");
        delayMs = 50;
        // The stream begins with all sites that are not at rest; what was known before may be out of date.
        this.#statuses.clear();
        this.#capabilities = undefined;
        this.onConnected();
        for await (const event of readEvents(response.body)) this.#take(api.siteStatusEvent.parse(JSON.parse(event.data)));
      } catch (error) {
        if (this.#stopping.signal.aborted) return;
        this.#log.debug({ err: error }, "the orchestrator's events ended");
      }
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      delayMs = Math.min(delayMs * 2, 2_000);
    }
  }

  #take(change: StatusChange): void {
    this.#statuses.set(change.siteId, change.status);
    for (const follower of [...this.#followers]) follower(change);
  }
}
