import type { CallInput } from "#contract/client.ts";
import { Failure } from "#contract/failure.ts";
import { readNode } from "#contract/internal/nodes.ts";
import type { SteadyClock } from "#kit/clock.ts";
import { type ComponentClient, type ComponentLink, routedClient } from "#kit/component-client.ts";
import type { Log } from "#kit/log.ts";
import { CallsUntilLost } from "./calls-until-lost.ts";
import { type Candidate, chooseNode, heirsOf, isHealthy, takesSites } from "./choose-node.ts";
import { type Node, type NodeBeat, orchestratorsOf } from "./node.ts";
import type { NodeStore, PlacementStore } from "./node-store.ts";

/** What watching and reaching the orchestrators needs. */
export interface FleetDeps {
  /** Where orchestrators are looked for. With a single one everything goes there, whatever was placed where. */
  readonly urls: readonly string[];
  /** How they are called. */
  readonly link: Omit<ComponentLink, "baseUrl">;
  readonly connect: (link: ComponentLink) => ComponentClient;
  readonly nodes: NodeStore;
  readonly placements: PlacementStore;
  /** This process' own heartbeat, and those of whom it speaks for. */
  readonly others: () => readonly NodeBeat[];
  readonly clock: SteadyClock;
  readonly log: Log;
  readonly beatMs: number;
  /** After how long without an answer to anybody an orchestrator counts as lost. */
  readonly lostMs: number;
  /** Where there is only one orchestrator, one kind of process is enough to ask it how it is, and to look at what all say. */
  readonly asksTheOnlyOne: boolean;
}

/** An orchestrator that was given a run. */
export interface RunHolder {
  readonly client: ComponentClient;
  /** The last attempt that it was given; null where there was no choice. */
  readonly attempt: number | null;
}

/** As long as one question may take. */
const answerMs = 2_000;
/** What is no orchestrator and was silent for so long is forgotten. */
const forgetMs = 10 * 60_000;

/**
 * All orchestrators: asks each how it is every few seconds, shares the answers by the database, and finds the one that a call is for. The
 * rest of the program uses `client` and knows nothing of how many there are.
 */
export class Fleet {
  /** Each call goes to the orchestrator that is responsible for its site or run; what concerns none to the first one that is up. */
  readonly client: ComponentClient;
  readonly #deps: FleetDeps;
  readonly #clients: ReadonlyMap<string, ComponentClient>;
  readonly #calls = new CallsUntilLost();
  readonly #startedAt: number;
  readonly #listeners = new Set<() => void>();
  readonly #stopping = new AbortController();
  #nodes: readonly Node[] = [];
  #addresses = "";
  #forgotAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #pass: Promise<void> | undefined;

  constructor(deps: FleetDeps) {
    this.#deps = deps;
    this.#clients = new Map(deps.urls.map((url) => [url, deps.connect({ ...deps.link, baseUrl: url })]));
    this.#startedAt = deps.clock.now();
    const [only] = this.#clients.values();
    this.client = this.isSingle && only !== undefined ? only : routedClient((_shape, input) => this.#pick(input));
  }

  get isSingle(): boolean {
    return this.#clients.size === 1;
  }

  get lostMs(): number {
    return this.#deps.lostMs;
  }

  /** A client of each, whether it answers or not. */
  get clients(): readonly ComponentClient[] {
    return [...this.#clients.values()];
  }

  /** Begins to listen for heartbeats. */
  start(): void {
    const { beatMs, lostMs } = this.#deps;
    // Where there is nothing to choose from only the page of nodes looks at this: as seldom as nobody is taken for lost.
    const everyMs = this.isSingle ? Math.max(beatMs, lostMs / 2) : beatMs;
    this.#timer = setInterval(() => void this.beat(), everyMs);
    void this.beat();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#stopping.abort(new Error("this process stops"));
    await this.#pass;
  }

  /** Called when an orchestrator has come, or is somewhere else. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** One round of questions, or the one that is under way. Never rejects. */
  beat(): Promise<void> {
    this.#pass ??= this.#beat()
      .catch((err: unknown) => {
        if (!this.#stopping.signal.aborted) this.#deps.log.warn({ err }, "heartbeats cannot be noted");
      })
      .finally(() => {
        this.#pass = undefined;
      });
    return this.#pass;
  }

  /** Every process that reported, as of the last round. */
  get nodes(): readonly Node[] {
    return this.#nodes;
  }

  /** Orchestrators with their numbers of sites, as it is now. */
  async candidates(): Promise<readonly Candidate[]> {
    const all = orchestratorsOf(this.#nodes);
    const counts = await this.#deps.placements.counts();
    const unplaced = counts.get(null) ?? 0;
    return all.map((node, at) => ({ node, sites: (counts.get(node.id) ?? 0) + (at === 0 ? unplaced : 0) }));
  }

  /** Where a site is to be made; null while there is no choice. */
  async placeNew(): Promise<string | null> {
    if (this.isSingle) return null;
    const candidates = (await this.candidates()).filter(({ node }) => takesSites(node, this.lostMs));
    const chosen = chooseNode(candidates);
    if (chosen === null) throw new Failure("component_away", { component: "orchestrator" });
    return chosen.id;
  }

  /** The orchestrator of this id; null is the first one. Undefined when it is not known. */
  nodeOf(nodeId: string | null): Node | undefined {
    const all = orchestratorsOf(this.#nodes);
    return nodeId === null ? all[0] : all.find((node) => node.id === nodeId);
  }

  /** The address of the orchestrator of this id, null for the first one. @throws {Failure} `component_away` */
  urlOf(nodeId: string | null): string {
    const [only] = this.#clients.keys();
    const url = this.isSingle ? only : this.nodeOf(nodeId)?.url;
    if (url === undefined || url === null) throw new Failure("component_away", { component: "orchestrator" });
    return url;
  }

  /** Addresses by id, for routers; none while there is only one. */
  addresses(): Readonly<Record<string, string>> {
    if (this.isSingle) return {};
    return Object.fromEntries(orchestratorsOf(this.#nodes).flatMap(({ id, url }) => (url === null ? [] : [[id, url]])));
  }

  /** How to reach whoever holds this site, for sockets. */
  async linkOf(siteId: number): Promise<ComponentLink> {
    const placement = this.isSingle ? null : await this.#deps.placements.ofSite(siteId);
    return { ...this.#deps.link, baseUrl: this.urlOf(placement?.nodeId ?? null) };
  }

  /** A client of one orchestrator. @throws {Failure} `component_away` */
  clientOf(nodeId: string | null): ComponentClient {
    return this.#clientAt(this.urlOf(nodeId));
  }

  /** Decides which orchestrator an attempt that was never asked for goes to. */
  async placeRun(run: { readonly uid: string; readonly attempt: number; readonly siteId: number | null }): Promise<void> {
    if (this.isSingle) return;
    const placement = run.siteId === null ? null : await this.#deps.placements.ofSite(run.siteId);
    const node = run.siteId === null ? this.#home() : this.nodeOf(placement?.nodeId ?? null);
    if (node === undefined) throw new Failure("component_away", { component: "orchestrator" });
    await this.#deps.placements.placeRun(run, node.id);
  }

  /** Whoever may keep something of a run, the earliest first: each attempt may have been somewhere else. @throws {Failure} `component_away` */
  async holdersOfRun(uid: string): Promise<readonly RunHolder[]> {
    const places = this.isSingle ? [] : await this.#deps.placements.placesOfRun(uid);
    if (places.length === 0) return [{ client: this.clientOf(null), attempt: null }];
    return places.map(({ nodeId, attempt }) => ({ client: this.clientOf(nodeId), attempt }));
  }

  /** Nobody will ask for the run any more. */
  async unplaceRun(uid: string): Promise<void> {
    if (!this.isSingle) await this.#deps.placements.forgetRun(uid);
  }

  async #pick({ params, body }: CallInput): Promise<ComponentClient> {
    if (typeof params?.uid === "string") {
      const attempt = typeof body === "object" && body !== null && "attempt" in body && typeof body.attempt === "number" ? body.attempt : null;
      const nodeId = await this.#deps.placements.ofRun({ uid: params.uid, attempt });
      return this.clientOf(nodeId);
    }
    const siteId = Number(params?.siteId ?? 0);
    if (siteId === 0) return this.clientOf(this.#home()?.id ?? null);
    const placement = await this.#deps.placements.ofSite(siteId);
    return movedInsteadOfUnknown(this.clientOf(placement?.nodeId ?? null));
  }

  // The home folder and the script library: the first orchestrator's, or of one that has the same files when that one is lost, or can start nothing.
  #home(): Node | undefined {
    const [first] = orchestratorsOf(this.#nodes);
    if (first === undefined || isHealthy(first, this.lostMs)) return first;
    const all = orchestratorsOf(this.#nodes).map((node) => ({ node, sites: 0 }));
    return heirsOf(first, all, this.lostMs)[0]?.node ?? first;
  }

  #clientAt(url: string): ComponentClient {
    const client = this.#clients.get(url) ?? this.#deps.connect({ ...this.#deps.link, baseUrl: url });
    return this.isSingle ? client : this.#calls.of(url, client);
  }

  async #beat(): Promise<void> {
    const { nodes, others, asksTheOnlyOne } = this.#deps;
    const isIdle = this.isSingle && !asksTheOnlyOne;
    const found = isIdle ? [] : await this.#askAll();
    await nodes.beat([...found, ...others()]);
    if (this.#deps.clock.now() - this.#forgotAt > forgetMs / 10) {
      this.#forgotAt = this.#deps.clock.now();
      await nodes.removeSilent(forgetMs);
    }
    if (isIdle) return;
    // Who has only just begun to ask cannot say that somebody does not answer.
    const askedMs = this.#deps.clock.now() - this.#startedAt;
    this.#nodes = (await nodes.all()).map((node) => ({ ...node, silentMs: Math.min(node.silentMs, askedMs) }));
    const lost = orchestratorsOf(this.#nodes).filter(({ silentMs }) => silentMs > this.lostMs);
    this.#calls.note(new Set(lost.flatMap(({ url }) => url ?? [])));
    const addresses = JSON.stringify(this.addresses());
    if (addresses === this.#addresses) return;
    this.#addresses = addresses;
    for (const listener of this.#listeners) listener();
  }

  /** The heartbeats that are still to be noted. */
  async #askAll(): Promise<readonly NodeBeat[]> {
    const [only] = this.#clients;
    if (this.isSingle && only !== undefined) {
      const beat = await this.#ask(...only);
      return beat === null ? [] : [beat];
    }
    const found = new Map<string, NodeBeat>();
    // Each at once: one that does not answer must not make the others look silent.
    await Promise.all([...this.#clients].map(async ([url, client]) => this.#note(await this.#ask(url, client), found)));
    return [];
  }

  async #note(beat: NodeBeat | null, found: Map<string, NodeBeat>): Promise<void> {
    if (beat === null) return;
    const { id, url } = beat;
    const twin = found.get(id);
    if (twin !== undefined) {
      this.#deps.log.error(
        { url, twin: twin.url, id },
        "two orchestrators have the same id: one has a copy of the other's data folder; give it one of its own",
      );
      return;
    }
    found.set(id, beat);
    await this.#deps.nodes.beat([beat]);
  }

  async #ask(url: string, client: ComponentClient): Promise<NodeBeat | null> {
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(answerMs)]);
    try {
      const report = await client.call(readNode, { signal });
      return { id: report.id, kind: "orchestrator", host: report.host, url, version: report.version, report };
    } catch (err) {
      this.#deps.log.debug({ err, url }, "an orchestrator does not answer");
      return null;
    }
  }
}

/** Where several orchestrators are, one that does not know a site has given it away, or is about to be told of it. */
function movedInsteadOfUnknown(client: ComponentClient): ComponentClient {
  const translate = (error: unknown): never => {
    if (error instanceof Failure && error.code === "site_not_found") throw new Failure("site_moved", {}, { cause: error });
    throw error;
  };
  return {
    call: (asked, input) => client.call(asked, input).catch(translate),
    fetch: (asked, input) => client.fetch(asked, input).catch(translate),
    on: (behalf) => {
      const onBehalf = client.on(behalf);
      return { call: (asked, input) => onBehalf.call(asked, input).catch(translate), fetch: (asked, input) => onBehalf.fetch(asked, input).catch(translate) };
    },
  };
}
