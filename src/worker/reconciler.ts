import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { Failure } from "#contract/failure.ts";
import type { OperationQueue } from "#core/operations/operation-store.ts";
import { planOperation } from "#core/operations/plan.ts";
import { type Drift, judgeDrift } from "#core/sites/judge-drift.ts";
import type { SiteOutline } from "#core/sites/site-store.ts";
import type { Log } from "#kit/log.ts";
import { HeldByNodes } from "./held-by-nodes.ts";
import { type ReconcilerRhythm, rhythmOf } from "./reconciler-rhythm.ts";
import { SiteTroubles } from "./reconciler-troubles.ts";
import { SiteRetries } from "./site-retries.ts";
import { applySite, type StepDeps } from "./steps.ts";

/** What the reconciler needs. */
export interface ReconcilerDeps extends StepDeps {
  readonly queue: OperationQueue;
  readonly log: Log;
  readonly everyMs: number;
  /** Sweeps that belong to the same rhythm: expired sessions, old tries to sign in. */
  readonly sweep: () => Promise<void>;
  /** The longest that one site may hold up the others. */
  readonly siteTimeoutMs?: number;
  /** The longest that one pass may take. */
  readonly passTimeoutMs?: number;
}

/** A site, and what is kept of its troubles of one sort. */
interface LoneSite {
  readonly id: number;
  readonly troubles: SiteTroubles;
}

const pageSize = 5_000;
const usualPassTimeoutMs = 60_000;
const usualSiteTimeoutMs = 15_000;

/** Compares every so often what sites should be with what the orchestrator holds, and repairs the difference. */
export class Reconciler {
  readonly #deps: ReconcilerDeps;
  readonly #held: HeldByNodes;
  readonly #stopping = new AbortController();
  readonly #retries = new SiteRetries();
  readonly #troubles = new SiteTroubles();
  /** Of those who should have left a site: apart, since that a site is as it should be at its own place says nothing of them. */
  readonly #leaveTroubles = new SiteTroubles();
  readonly #rhythm: ReconcilerRhythm;
  /** Of both sides, when the last comparison found nothing to do. */
  #quietStamp: string | null = null;
  /** The site where the last pass broke off, behind which the next begins; 0 after a whole one. */
  #brokeOffAt = 0;
  #sweptAt = Number.NEGATIVE_INFINITY;
  #running: Promise<void> | undefined;

  constructor(deps: ReconcilerDeps) {
    this.#deps = deps;
    this.#held = new HeldByNodes(deps.fleet, deps.log);
    this.#rhythm = rhythmOf(deps.everyMs);
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error("the worker stops"));
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    let quietPasses = 0;
    while (!signal.aborted) {
      const isQuiet = await this.#pass().catch((error: unknown) => {
        if (!signal.aborted) this.#deps.log.warn({ err: error }, "reconciling failed; the next pass tries again");
        return false;
      });
      quietPasses = isQuiet ? quietPasses + 1 : 0;
      await delay(this.#rhythm.restMs(quietPasses), undefined, { signal }).catch(() => undefined);
    }
  }

  /** Whether there was nothing to do, and nothing is to come by the mere passing of time. */
  async #pass(): Promise<boolean> {
    const { sites, sweep } = this.#deps;
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(this.#deps.passTimeoutMs ?? usualPassTimeoutMs)]);
    if (performance.now() - this.#sweptAt >= this.#rhythm.sweepMs) {
      await sweep();
      this.#sweptAt = performance.now();
    }
    // Before what it stands for: what changes in between is another stamp at the next pass.
    const outlines = await sites.outlinesStamp();
    await this.#held.read(signal);
    const stamp = this.#held.stamp === null ? null : `${outlines}\n${this.#held.stamp}`;
    if (stamp !== null && stamp === this.#quietStamp) return true;
    this.#quietStamp = null;
    const isQuiet = await this.#compare(signal);
    if (isQuiet) this.#quietStamp = stamp;
    return isQuiet && stamp !== null;
  }

  /** Compares site by site and waits for nothing but what differs; whether nothing did. */
  async #compare(signal: AbortSignal): Promise<boolean> {
    let isQuiet = true;
    for await (const outline of this.#outlines(signal)) {
      this.#brokeOffAt = outline.id;
      if (!(await this.#compareOne(outline, signal))) isQuiet = false;
    }
    if (signal.aborted) return false;
    this.#brokeOffAt = 0;
    const strangers = this.#held.strangers();
    await this.#removeDeleted(strangers, signal);
    return isQuiet && strangers.length === 0;
  }

  /** Every site once, those first that the last pass did not come to: many that hang would keep it from them each time. */
  async *#outlines(signal: AbortSignal): AsyncGenerator<SiteOutline> {
    const { sites } = this.#deps;
    const first = this.#brokeOffAt;
    let [last, isSecondRound] = [first, first === 0];
    while (!signal.aborted) {
      const page = await sites.outlinesAfter(last, pageSize);
      for (const outline of page) {
        if (isSecondRound && first > 0 && outline.id > first) return;
        last = outline.id;
        yield outline;
      }
      if (page.length === pageSize) continue;
      if (isSecondRound) return;
      [last, isSecondRound] = [0, true];
    }
  }

  /** Whether the site is as it should be, and nowhere else. */
  async #compareOne(outline: SiteOutline, signal: AbortSignal): Promise<boolean> {
    const { id } = outline;
    const revision = this.#held.revisionOf(outline);
    // Whoever does not answer cannot be told anything either.
    const drift = revision === null && outline.lifecycle === "active" ? null : judgeDrift(outline, revision ?? undefined);
    if (drift === "none") this.#settled(id);
    else if (drift !== null) await this.#alone({ id, troubles: this.#troubles }, signal, (within) => this.#repair(id, drift, within));
    const others = this.#held.settle(outline);
    if (others.length > 0) await this.#alone({ id, troubles: this.#leaveTroubles }, signal, (within) => this.#held.leave(outline, others, within));
    return drift === "none" && others.length === 0;
  }

  // A specification that was under way while its site was deleted brings it back to the orchestrator. What this database has not
  // seen deleted itself stays: after a restored backup the files may be all that is left of a site.
  async #removeDeleted(strangers: readonly number[], signal: AbortSignal): Promise<void> {
    const { sites, log } = this.#deps;
    for (const siteId of await sites.deletedAmong(strangers)) {
      await this.#alone({ id: siteId, troubles: this.#troubles }, signal, async (within) => {
        log.info({ siteId }, "orchestrator still holds a deleted site");
        await this.#held.remove(siteId, within);
      });
    }
  }

  #settled(siteId: number): void {
    this.#retries.forget(siteId);
    this.#troubles.forget(siteId);
  }

  /** One site's trouble is its own: it is put off, and the others go on. @throws when the pass has to end, or nothing can be done for any site. */
  async #alone(site: LoneSite, signal: AbortSignal, act: (within: AbortSignal) => Promise<void>): Promise<void> {
    const { id: siteId, troubles } = site;
    if (!troubles.isDue(siteId)) return;
    try {
      await act(AbortSignal.any([signal, AbortSignal.timeout(this.#deps.siteTimeoutMs ?? usualSiteTimeoutMs)]));
      troubles.forget(siteId);
    } catch (error) {
      if (isDatabaseAway(error)) throw error;
      troubles.note(siteId);
      if (signal.aborted) throw error;
      this.#deps.log.warn({ err: error, siteId }, "a site could not be reconciled; it is tried again later, and the others go on");
    }
  }

  async #repair(siteId: number, drift: Exclude<Drift, "none">, signal: AbortSignal): Promise<void> {
    const { log, queue, sites } = this.#deps;
    const site = await sites.byId(siteId);
    if (site === null) return;
    if (drift === "apply") {
      log.info({ site: site.name }, "orchestrator lacks the latest specification");
      await applySite(this.#deps, site, signal);
      return;
    }
    if (!this.#retries.take(site.id, Date.now() - site.updatedAt.getTime())) return;
    const subject = { kind: site.kind, canRunTwice: site.settings.canRunTwice };
    const common = { id: randomUUID(), subject, requestedById: null };
    const operation =
      drift === "create"
        ? planOperation({ ...common, kind: "create", input: { starter: await sites.starterOf(site.id) } })
        : planOperation({ ...common, kind: "delete", input: {} });
    if ((await queue.queueForReconciler(site.id, operation)) !== null) log.info({ site: site.name, drift }, "unfinished site taken up again");
  }
}

function isDatabaseAway(error: unknown): boolean {
  return error instanceof Failure && error.code === "component_away" && error.details.component === "database";
}
