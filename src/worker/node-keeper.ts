import { randomUUID } from "node:crypto";
import { type Candidate, heirsOf, spreadSites } from "#core/nodes/choose-node.ts";
import type { Fleet } from "#core/nodes/fleet.ts";
import { type Node, orchestratorsOf } from "#core/nodes/node.ts";
import type { PlacedSite, PlacementStore } from "#core/nodes/node-store.ts";
import type { OperationQueue } from "#core/operations/operation-store.ts";
import { planOperation } from "#core/operations/plan.ts";
import type { Site } from "#core/sites/site.ts";
import type { ReconcilerSiteStore } from "#core/sites/site-store.ts";
import { steadyNow } from "#kit/clock.ts";
import type { Log } from "#kit/log.ts";
import type { RouterPool } from "./router-pool.ts";

/** What looking after the orchestrators needs. */
export interface NodeKeeperDeps {
  readonly fleet: Fleet;
  readonly placements: PlacementStore;
  readonly sites: ReconcilerSiteStore;
  readonly queue: OperationQueue;
  readonly routers: RouterPool;
  readonly apply: (site: Site, signal: AbortSignal) => Promise<void>;
  readonly log: Log;
  readonly everyMs: number;
}

const pageSize = 200;
const atOnce = 8;
/** Sites that are begun to move away from a drained orchestrator at each look. */
const movesAtOnce = 4;
/** A site whose move failed is tried again after this long. */
const moveAgainMs = 60_000;
const passTimeoutMs = 120_000;

/** Gives sites of lost orchestrators to others that have their files, and moves those of drained ones away. */
export class NodeKeeper {
  readonly #deps: NodeKeeperDeps;
  readonly #stopping = new AbortController();
  readonly #movedAt = new Map<number, number>();
  #timer: NodeJS.Timeout | undefined;
  #pass: Promise<void> | undefined;

  constructor(deps: NodeKeeperDeps) {
    this.#deps = deps;
  }

  start(): void {
    if (this.#deps.fleet.isSingle) return;
    this.#timer = setInterval(() => void this.look(), this.#deps.everyMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#stopping.abort(new Error("the worker stops"));
    await this.#pass;
  }

  /** One look at all orchestrators, or the one that is under way. Never rejects. */
  look(): Promise<void> {
    this.#pass ??= this.#look()
      .catch((err: unknown) => {
        if (!this.#stopping.signal.aborted) this.#deps.log.warn({ err }, "orchestrators cannot be looked after; the next look tries again");
      })
      .finally(() => {
        this.#pass = undefined;
      });
    return this.#pass;
  }

  async #look(): Promise<void> {
    const { fleet } = this.#deps;
    const candidates = await fleet.candidates();
    for (const { node, sites } of candidates) {
      const heirs = sites === 0 ? [] : heirsOf(node, candidates, fleet.lostMs);
      if (heirs.length === 0) continue;
      if (node.silentMs > fleet.lostMs) await this.#takeOver(node, heirs);
      else if (node.isDrained) await this.#drain(node, heirs);
    }
  }

  async #takeOver(node: Node, heirs: readonly Candidate[]): Promise<void> {
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(passTimeoutMs)]);
    const sites = await this.#sitesOf(node);
    this.#deps.log.warn(
      { node: node.id, host: node.host, sites: sites.length, silentMs: Math.round(node.silentMs) },
      "an orchestrator is lost; others take over its sites",
    );
    const placements = new Map(sites.map((site) => [site.siteId, site.placement]));
    const plan = [...spreadSites([...placements.keys()], heirs)];
    const next = async (): Promise<void> => {
      for (let step = plan.shift(); step !== undefined && !signal.aborted; step = plan.shift()) {
        const from = placements.get(step.siteId);
        if (from !== undefined) await this.#takeOverSite({ siteId: step.siteId, placement: from }, step.to, signal);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, next));
  }

  async #takeOverSite(placed: PlacedSite, to: Node, signal: AbortSignal): Promise<void> {
    const { placements, sites, routers, apply, log } = this.#deps;
    const { siteId } = placed;
    // Another worker may have been quicker.
    if (!(await placements.move({ siteId, from: placed.placement, to: to.id, isTakenOver: true }))) return;
    const site = await sites.byId(siteId);
    if (site === null || site.lifecycle === "deleting") return;
    try {
      await apply(site, signal);
      // What listened before is gone, or goes: the next visitor wakes the site where it is now.
      await routers.release(siteId, null, signal);
      log.info({ site: site.name, to: to.id }, "site taken over");
    } catch (err) {
      log.warn({ err, site: site.name, to: to.id }, "a site that was taken over is not known there yet; reconciling repairs it");
    }
  }

  async #drain(node: Node, heirs: readonly Candidate[]): Promise<void> {
    const { queue, sites, log } = this.#deps;
    const now = steadyNow();
    const due = (await this.#sitesOf(node)).filter(({ siteId }) => now - (this.#movedAt.get(siteId) ?? 0) > moveAgainMs).slice(0, movesAtOnce);
    const placements = new Map(due.map((site) => [site.siteId, site.placement]));
    for (const { siteId, to } of spreadSites([...placements.keys()], heirs)) {
      const site = await sites.byId(siteId);
      if (site === null) continue;
      const subject = { kind: site.kind, canRunTwice: site.settings.canRunTwice };
      const input = { from: placements.get(siteId)?.nodeId ?? null, to: to.id };
      const operation = planOperation({ id: randomUUID(), kind: "move", input, subject, requestedById: null });
      // Null: something else goes on with the site; it is looked at again soon.
      if ((await queue.queueForReconciler(siteId, operation)) === null) continue;
      this.#movedAt.set(siteId, now);
      log.info({ site: site.name, from: node.id, to: to.id }, "site moves away from a drained orchestrator");
    }
  }

  async #sitesOf(node: Node): Promise<readonly PlacedSite[]> {
    const { placements, fleet } = this.#deps;
    const own = await placements.onNode(node.id, pageSize);
    const isFirst = orchestratorsOf(fleet.nodes)[0]?.id === node.id;
    return isFirst ? [...own, ...(await placements.onNode(null, pageSize))] : own;
  }
}
