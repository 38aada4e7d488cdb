import * as api from "#contract/internal/orchestrator.ts";
import type { SiteStatus } from "#contract/site.ts";
import type { SiteHost } from "#core/sites/site-host.ts";
import { steadyNow } from "#kit/clock.ts";
import type { ComponentClient } from "#kit/component-client.ts";
import type { Log } from "#kit/log.ts";
import { NodeMirror } from "./node-mirror.ts";

/** How long capabilities are believed before they are asked for again, in milliseconds. */
const capabilitiesMs = 60_000;

/** A change of a site's state, as the orchestrator reports it. */
export interface StatusChange {
  readonly siteId: number;
  readonly status: SiteStatus;
}

/** What a program does only where it is: an orchestrator that gave the site away, or never ran it, says that it rests. */
const telling: readonly SiteStatus["state"][] = ["starting", "running", "frozen", "stopping", "crashed"];

/** What the orchestrators say of their sites, kept at hand: pages of a thousand sites must not cost a thousand calls. */
export class OrchestratorMirror implements SiteHost {
  readonly #log: Log;
  readonly #clients: readonly ComponentClient[];
  readonly #mirrors: readonly NodeMirror[];
  readonly #followers = new Set<(change: StatusChange) => void>();
  #capabilities: { readonly value: api.Capabilities; readonly until: number } | undefined;
  /** Called whenever a stream opens: what its orchestrator may have missed meanwhile has to be told again. */
  onConnected: () => void = () => undefined;

  constructor(clients: readonly ComponentClient[], log: Log) {
    this.#clients = clients;
    this.#log = log;
    const onConnected = (): void => {
      this.#capabilities = undefined;
      this.onConnected();
    };
    const onStatus = (change: StatusChange): void => {
      for (const follower of [...this.#followers]) follower(change);
    };
    this.#mirrors = clients.map((client) => new NodeMirror({ client, log, onConnected, onStatus }));
  }

  start(): void {
    for (const mirror of this.#mirrors) mirror.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#mirrors.map((mirror) => mirror.stop()));
  }

  statusOf(siteId: number): SiteStatus | undefined {
    const found = this.#mirrors.flatMap((mirror) => mirror.statusOf(siteId) ?? []);
    return found.reduce<SiteStatus | undefined>((best, status) => (best === undefined || isBetter(status, best) ? status : best), undefined);
  }

  /** Of the first orchestrator that answers: those of one installation are alike. */
  async capabilities(): Promise<api.Capabilities | null> {
    if (this.#capabilities !== undefined && this.#capabilities.until > steadyNow()) return this.#capabilities.value;
    for (const client of this.#clients) {
      try {
        const value = await client.call(api.readCapabilities, { signal: AbortSignal.timeout(5_000) });
        this.#capabilities = { value, until: steadyNow() + capabilitiesMs };
        return value;
      } catch (error) {
        this.#log.warn({ err: error }, "an orchestrator's capabilities cannot be read");
      }
    }
    return this.#capabilities?.value ?? null;
  }

  /** Calls back at each change until the returned function is called. */
  follow(onChange: (change: StatusChange) => void): () => void {
    this.#followers.add(onChange);
    return () => this.#followers.delete(onChange);
  }
}

function isBetter(status: SiteStatus, than: SiteStatus): boolean {
  const [a, b] = [telling.includes(status.state), telling.includes(than.state)];
  return a === b ? status.since > than.since : a;
}
