import type { SiteAddress } from "#contract/site-spec.ts";
import type { SiteEdge } from "../../gate/site-edge.ts";
import type { LiveInstance } from "../../gate/target.ts";
import type { RouteTable } from "../../routes/route-table.ts";
import { directEntries, targetKey } from "../direct-entries.ts";
import type { SiteNetworks } from "../site-networks.ts";
import type { SendCommand } from "./command-socket.ts";
import type { MapFeed } from "./map-feed.ts";
import { parseTargetCounts, type TargetCount } from "./target-counts.ts";

/** What the edge is made of. */
export interface HaproxyEdgeDeps {
  readonly table: RouteTable;
  readonly networks: SiteNetworks;
  readonly feed: MapFeed;
  readonly send: SendCommand;
}

/** HAProxy as the gates see it: it is told where sites run, and asked what it has under way. */
export class HaproxyEdge implements SiteEdge {
  readonly #deps: HaproxyEdgeDeps;
  readonly #live = new Map<number, LiveInstance>();
  /** Hosts that were looked at for a site: those that it has lost since are looked at again. */
  readonly #hosts = new Map<number, readonly string[]>();
  #counts: ReadonlyMap<string, TargetCount> = new Map();
  /** Requests that HAProxy could not bring to an address and that are here now. It still counts them there. */
  readonly #fallen = new Map<string, Set<object>>();
  #counting: Promise<void> | null = null;
  #next: Promise<void> | null = null;
  #isAway = true;

  constructor(deps: HaproxyEdgeDeps) {
    this.#deps = deps;
    for (const { siteId } of deps.table.all()) this.#place(siteId);
    deps.table.onChange((siteId) => this.#place(siteId));
  }

  open(siteId: number, live: LiveInstance): void {
    this.#live.set(siteId, live);
    this.#place(siteId);
  }

  async close(siteId: number): Promise<void> {
    this.#live.delete(siteId);
    this.#place(siteId);
    await this.#deps.feed.settled();
  }

  /** Turns a site's visitors to this router, and says whether nothing is under way past it any more. */
  async retarget(siteId: number): Promise<boolean> {
    const address = this.#live.get(siteId)?.address;
    await this.close(siteId);
    await this.count();
    return address === undefined || this.underWay(address) === 0;
  }

  settled(): Promise<void> {
    return this.#deps.feed.settled();
  }

  underWay(address: SiteAddress): number {
    return "socket" in address ? 0 : (this.#counts.get(targetKey(address))?.underWay ?? 0);
  }

  /** Whether any site has traffic that has to be counted. */
  get hasLive(): boolean {
    return this.#live.size > 0;
  }

  /** Counts anew, beginning after this call: one that is under way already may have looked too early. */
  count(): Promise<void> {
    if (this.#counting === null) return this.#startCounting();
    const startNext = (): Promise<void> => {
      this.#next = null;
      return this.#startCounting();
    };
    // Also when the one under way fails: nobody would ever count again.
    this.#next ??= this.#counting.then(startNext, startNext);
    return this.#next;
  }

  /** HAProxy has come up. */
  came(): void {
    this.#isAway = false;
    this.#deps.feed.refill();
  }

  /** HAProxy does not answer. Nothing is under way in one that is dead. */
  went(isDead: boolean): void {
    this.#isAway = isDead;
    if (isDead) this.#counts = new Map();
    this.#deps.feed.lost(isDead);
  }

  /** A request for this address has come here instead. Gives what to call when it has ended. */
  fell(key: string): () => void {
    const arrival = {};
    const all = this.#fallen.get(key) ?? new Set();
    this.#fallen.set(key, all.add(arrival));
    return () => {
      all.delete(arrival);
      if (all.size === 0 && this.#fallen.get(key) === all) this.#fallen.delete(key);
    };
  }

  #startCounting(): Promise<void> {
    this.#counting = this.#count().finally(() => {
      this.#counting = null;
    });
    return this.#counting;
  }

  async #count(): Promise<void> {
    if (this.#isAway) return;
    const before = [...this.#fallen].map(([key, all]) => [key, new Set(all)] as const);
    const counts = new Map(parseTargetCounts(await this.#deps.send("show table targets_table")));
    for (const [key, arrivals] of before) {
      const count = counts.get(key);
      // Those that were here before HAProxy counted and still are: it has counted them, and they are not on their way there.
      const here = [...arrivals].filter((arrival) => this.#fallen.get(key)?.has(arrival)).length;
      if (count !== undefined) counts.set(key, { ...count, underWay: Math.max(0, count.underWay - here) });
    }
    if (!this.#isAway) this.#counts = counts;
  }

  #place(siteId: number): void {
    const { table } = this.#deps;
    const hosts = table.byId(siteId)?.hosts ?? [];
    for (const host of new Set([...(this.#hosts.get(siteId) ?? []), ...hosts])) this.#placeHost(host);
    if (hosts.length > 0) this.#hosts.set(siteId, hosts);
    else this.#hosts.delete(siteId);
  }

  // By whom the host belongs to now: two sites may have swapped theirs.
  #placeHost(host: string): void {
    const { table, networks, feed } = this.#deps;
    const route = table.byHost(host);
    const live = route === undefined ? undefined : this.#live.get(route.siteId);
    const entry = route === undefined ? undefined : directEntries(route, live?.address ?? null, networks).find(([name]) => name === host);
    feed.set(host, entry?.[1] ?? null);
  }
}
