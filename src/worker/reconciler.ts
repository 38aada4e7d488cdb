import { randomUUID } from "node:crypto";
import type { OperationQueue } from "#core/operations/operation-store.ts";
import { planOperation } from "#core/operations/plan.ts";
import { type Drift, judgeDrift } from "#core/sites/judge-drift.ts";
import type { Log } from "#kit/log.ts";
import { HeldByNodes } from "./held-by-nodes.ts";
import { applySite, type StepDeps } from "./steps.ts";

/** What the reconciler needs. */
export interface ReconcilerDeps extends StepDeps {
  readonly queue: OperationQueue;
  readonly log: Log;
  readonly everyMs: number;
  /** Sweeps that belong to the same rhythm: expired sessions, old tries to sign in. */
  readonly sweep: () => Promise<void>;
}

const pageSize = 5_000;
/** An unfinished site is tried again after a minute, then ever more rarely, up to an hour. */
const firstRetryMs = 60_000;
const lastRetryMs = 3_600_000;

/** Compares every so often what sites should be with what the orchestrator holds, and repairs the difference. */
export class Reconciler {
  readonly #deps: ReconcilerDeps;
  readonly #held: HeldByNodes;
  readonly #stopping = new AbortController();
  readonly #retries = new Map<number, { readonly dueAt: number; readonly delayMs: number }>();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;

  constructor(deps: ReconcilerDeps) {
    this.#deps = deps;
    this.#held = new HeldByNodes(deps.fleet, deps.log);
  }

  start(): void {
    this.#timer = setInterval(() => this.runOnce(), this.#deps.everyMs);
    this.runOnce();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#stopping.abort(new Error("the worker stops"));
    await this.#running;
  }

  /** Begins a pass unless one is under way. */
  runOnce(): void {
    this.#running ??= this.#pass()
      .catch((error: unknown) => {
        if (!this.#stopping.signal.aborted) this.#deps.log.warn({ err: error }, "reconciling failed; the next pass tries again");
      })
      .finally(() => {
        this.#running = undefined;
      });
  }

  async #pass(): Promise<void> {
    const { sites, sweep } = this.#deps;
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(60_000)]);
    await sweep();
    await this.#held.read(signal);
    let last = 0;
    while (!signal.aborted) {
      const page = await sites.outlinesAfter(last, pageSize);
      for (const outline of page) {
        const revision = this.#held.revisionOf(outline);
        // Whoever does not answer cannot be told anything either.
        if (revision !== null || outline.lifecycle !== "active") await this.#repair(outline.id, judgeDrift(outline, revision ?? undefined), signal);
        await this.#held.settle(outline, signal);
        last = outline.id;
      }
      if (page.length < pageSize) return this.#removeDeleted(this.#held.strangers(), signal);
    }
  }

  // A specification that was under way while its site was deleted brings it back to the orchestrator. What this database has not
  // seen deleted itself stays: after a restored backup the files may be all that is left of a site.
  async #removeDeleted(strangers: readonly number[], signal: AbortSignal): Promise<void> {
    const { sites, log } = this.#deps;
    for (const siteId of await sites.deletedAmong(strangers)) {
      log.info({ siteId }, "orchestrator still holds a deleted site");
      await this.#held.remove(siteId, signal);
    }
  }

  async #repair(siteId: number, drift: Drift, signal: AbortSignal): Promise<void> {
    const { log, queue, sites } = this.#deps;
    if (drift === "none") {
      this.#retries.delete(siteId);
      return;
    }
    const site = await sites.byId(siteId);
    if (site === null) return;
    if (drift === "apply") {
      log.info({ site: site.name }, "orchestrator lacks the latest specification");
      await applySite(this.#deps, site, signal);
      return;
    }
    const retry = this.#retries.get(site.id) ?? { dueAt: site.updatedAt.getTime() + firstRetryMs, delayMs: firstRetryMs };
    if (Date.now() < retry.dueAt) return;
    const delayMs = Math.min(retry.delayMs * 2, lastRetryMs);
    this.#retries.set(site.id, { dueAt: Date.now() + delayMs, delayMs });
    const subject = { kind: site.kind, canRunTwice: site.settings.canRunTwice };
    const common = { id: randomUUID(), subject, requestedById: null };
    const operation =
      drift === "create"
        ? planOperation({ ...common, kind: "create", input: { starter: await sites.starterOf(site.id) } })
        : planOperation({ ...common, kind: "delete", input: {} });
    if ((await queue.queueForReconciler(site.id, operation)) !== null) log.info({ site: site.name, drift }, "unfinished site taken up again");
  }
}
