import { leaveSite } from "#contract/internal/nodes.ts";
import { listHeldSites, removeSite } from "#contract/internal/orchestrator.ts";
import type { Fleet } from "#core/nodes/fleet.ts";
import { orchestratorsOf } from "#core/nodes/node.ts";
import type { SiteOutline } from "#core/sites/site-store.ts";
import { steadyNow } from "#kit/clock.ts";
import type { ComponentClient } from "#kit/component-client.ts";
import type { Log } from "#kit/log.ts";

/** A move in order has both hold a site for a while; longer than this it has been forgotten at the old one. */
const strayMs = 60_000;

interface Held {
  readonly client: ComponentClient;
  /** Site → revision. */
  readonly revisions: Map<number, number>;
}

/** What every orchestrator that answers holds at one moment, for the reconciler to compare. */
export class HeldByNodes {
  readonly #fleet: Fleet;
  readonly #log: Log;
  /** Since when a site was seen at an orchestrator that is not responsible. */
  readonly #strays = new Map<string, number>();
  #held = new Map<string, Held>();
  #stamp: string | null = null;

  constructor(fleet: Fleet, log: Log) {
    this.#fleet = fleet;
    this.#log = log;
  }

  /** Asks all of them. @throws {Failure} when the only one does not answer. */
  async read(signal: AbortSignal): Promise<void> {
    const held = new Map<string, Held>();
    this.#stamp = null;
    const ask = async (key: string, client: ComponentClient): Promise<void> => {
      const { sites } = await client.call(listHeldSites, { signal });
      if (this.#fleet.isSingle) this.#stamp = sites.map(({ siteId, revision }) => `${siteId} ${revision}`).join();
      held.set(key, { client, revisions: new Map(sites.map((site) => [site.siteId, site.revision])) });
    };
    if (this.#fleet.isSingle) await ask("", this.#fleet.client);
    else {
      const up = orchestratorsOf(this.#fleet.nodes).filter((node) => node.silentMs <= this.#fleet.lostMs && node.url !== null);
      const outcomes = await Promise.allSettled(up.map((node) => ask(node.id, this.#fleet.clientOf(node.id))));
      for (const outcome of outcomes) if (outcome.status === "rejected") this.#log.debug({ err: outcome.reason }, "an orchestrator did not say what it holds");
    }
    this.#held = held;
  }

  /** Another text when anything else is held than before; null where several hold sites, so that time decides too. */
  get stamp(): string | null {
    return this.#stamp;
  }

  /** The revision that the responsible orchestrator holds; undefined when it has none, null when it did not answer. */
  revisionOf(site: SiteOutline): number | undefined | null {
    const held = this.#held.get(this.#keyOf(site));
    return held === undefined ? null : held.revisions.get(site.id);
  }

  /** Notes a site of the database; whoever else holds it for long is to be told to leave it. */
  settle(site: SiteOutline): readonly ComponentClient[] {
    const told: ComponentClient[] = [];
    const key = this.#keyOf(site);
    for (const [other, held] of this.#held) {
      if (!held.revisions.delete(site.id) || other === key) continue;
      const stray = `${other} ${site.id}`;
      const since = this.#strays.get(stray) ?? steadyNow();
      this.#strays.set(stray, since);
      if (steadyNow() - since < strayMs || site.placement === 0) continue;
      this.#strays.delete(stray);
      this.#log.info({ siteId: site.id, node: other }, "an orchestrator still holds a site that is another's");
      told.push(held.client);
    }
    return told;
  }

  /** Tells those who still hold it that the site is another's. */
  async leave(site: SiteOutline, clients: readonly ComponentClient[], signal: AbortSignal): Promise<void> {
    for (const client of clients) await client.call(leaveSite, { params: { siteId: site.id }, body: { placement: site.placement }, signal });
  }

  /** Sites that no row of the database is for. */
  strangers(): readonly number[] {
    return [...new Set([...this.#held.values()].flatMap(({ revisions }) => [...revisions.keys()]))];
  }

  /** Deletes a site wherever it is held. */
  async remove(siteId: number, signal: AbortSignal): Promise<void> {
    for (const { client, revisions } of this.#held.values()) {
      if (revisions.has(siteId)) await client.call(removeSite, { params: { siteId }, signal });
    }
  }

  #keyOf(site: SiteOutline): string {
    return this.#fleet.isSingle ? "" : (this.#fleet.nodeOf(site.nodeId)?.id ?? "");
  }
}
