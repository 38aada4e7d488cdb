import type { RestOutcome } from "#contract/internal/site-rest.ts";
import type { SiteStatus } from "#contract/site.ts";
import type { Clock } from "#kit/clock.ts";
import type { Log } from "#kit/log.ts";
import { anyInstance, type RouterClaims } from "./router-claims.ts";
import type { SiteRunner } from "./site-runner.ts";

export interface SiteRestsDeps {
  readonly claims: RouterClaims;
  /** Undefined: this orchestrator does not hold the site, or not any more. */
  readonly runnerOf: (siteId: number) => Pick<SiteRunner, "current" | "status" | "freeze" | "sleep"> | undefined;
  /** What one holds in memory counts as this much where that cannot be measured. */
  readonly memoryLimitOf: (siteId: number) => number;
  /** Whether the runtime can freeze. */
  readonly freezes: () => boolean;
  /** What frozen programs may hold in memory together. */
  readonly frozenBytes: number;
  /** Whether the machine itself is short of memory. */
  readonly isMemoryShort: () => boolean;
  readonly clock: Clock;
  readonly log: Log;
  readonly everyMs: number;
}

/** What a router asks when it lets an instance go. */
export interface LetGo {
  readonly instance: string;
  readonly router: string;
  readonly sleepAfterSeconds: number;
}

/** Programs that are stopped together: each goes on for a moment, to end well. */
const mostAtOnce = 8;

interface Frozen {
  readonly instance: string;
  readonly sleepAt: number;
  readonly memoryBytes: number;
}

interface Wanted {
  readonly instance: string | undefined;
  readonly restMs: number;
  readonly sleepAt: number;
}

/**
 * Programs that nobody visits: frozen when the last router has let them go, stopped when they have rested for long, or sooner for their
 * memory. Who rests is safe to stop: every router asks for it before it sends anything there again.
 */
export class SiteRests {
  readonly #deps: SiteRestsDeps;
  /** In the order in which they were frozen. */
  readonly #frozen = new Map<number, Frozen>();
  /** What a router wanted while another one still sent visitors there, which may have died since. */
  readonly #wanted = new Map<number, Wanted>();
  #timer: NodeJS.Timeout | undefined;
  #pass: Promise<void> | null = null;

  constructor(deps: SiteRestsDeps) {
    this.#deps = deps;
  }

  /** A router has let an instance go, and would like it to be frozen. */
  async freeze(siteId: number, { instance, router, sleepAfterSeconds }: LetGo): Promise<RestOutcome> {
    const { claims, clock, freezes } = this.#deps;
    if (!freezes()) return "runs";
    claims.release(router, siteId);
    const restMs = sleepAfterSeconds * 1000;
    const sleepAt = clock.now() + restMs;
    if (claims.isClaimed(siteId, instance)) {
      this.#want(siteId, { instance, restMs, sleepAt });
      return "shared";
    }
    const before = this.#takeWanted(siteId, instance);
    if (await this.#freeze(siteId, instance, sleepAt)) return "rests";
    this.#giveBack(siteId, before);
    return this.#goesOn(router, siteId, instance);
  }

  /** A router has let a site go, and would like its program to be stopped. */
  async sleep(siteId: number, { instance, router }: { readonly instance: string | undefined; readonly router: string }): Promise<SiteStatus | undefined> {
    const { claims, clock, runnerOf } = this.#deps;
    claims.release(router, siteId);
    if (claims.isClaimed(siteId, instance)) {
      this.#want(siteId, { instance, restMs: 0, sleepAt: clock.now() });
      return runnerOf(siteId)?.status;
    }
    const before = this.#takeWanted(siteId, instance);
    return runnerOf(siteId)
      ?.sleep(instance)
      .catch((error: unknown) => {
        this.#giveBack(siteId, before);
        throw error;
      });
  }

  /** Wakes a site for a router: nobody else puts it to rest meanwhile, nor as long as the router sends visitors there. */
  async wake<T extends { readonly instance: string }>(siteId: number, router: string, wake: () => Promise<T>): Promise<T> {
    const { claims, clock } = this.#deps;
    claims.add(router, siteId, anyInstance);
    // Kept, since this router may die without letting it go; but a visitor is there, so its rest begins anew.
    const wanted = this.#wanted.get(siteId);
    if (wanted !== undefined) this.#wanted.set(siteId, { ...wanted, sleepAt: clock.now() + wanted.restMs });
    try {
      const started = await wake();
      claims.add(router, siteId, started.instance);
      return started;
    } catch (error) {
      claims.release(router, siteId);
      throw error;
    }
  }

  /** Which of these a router cannot send visitors to any more. */
  claim(router: string, instances: readonly [siteId: number, instance: string][]): [siteId: number, instance: string][] {
    const lost = instances.filter(([siteId]) => {
      const runner = this.#deps.runnerOf(siteId);
      if (runner === undefined) return false;
      // Of another one than the current the router will hear by the restart that is under way.
      return runner.status.state === "frozen" || runner.current === null;
    });
    const gone = new Set(lost.map(([siteId]) => siteId));
    this.#deps.claims.replace(
      router,
      instances.filter(([siteId]) => !gone.has(siteId)),
    );
    return lost;
  }

  /** What frozen programs hold in memory, and how many there are. */
  totals(): { readonly sites: number; readonly memoryBytes: number } {
    const all = [...this.#frozen.values()];
    return { sites: all.length, memoryBytes: all.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0) };
  }

  /** Does what has become due; several who ask at once share it. */
  look(): Promise<void> {
    this.#pass ??= this.#look().finally(() => {
      this.#pass = null;
      this.#schedule();
    });
    return this.#pass;
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#frozen.clear();
    this.#wanted.clear();
    await this.#pass;
  }

  #want(siteId: number, wanted: Wanted): void {
    this.#wanted.set(siteId, wanted);
    this.#schedule();
  }

  /** The last router decides: what another one wanted before would stop it too soon. */
  #takeWanted(siteId: number, instance: string | undefined): Wanted | undefined {
    const wanted = this.#wanted.get(siteId);
    // What comes late is about an instance before this one.
    if (instance !== undefined && wanted?.instance !== undefined && wanted.instance !== instance) return undefined;
    this.#wanted.delete(siteId);
    return wanted;
  }

  #giveBack(siteId: number, wanted: Wanted | undefined): void {
    if (wanted !== undefined && !this.#wanted.has(siteId)) this.#want(siteId, wanted);
  }

  #goesOn(router: string, siteId: number, instance: string): RestOutcome {
    this.#deps.claims.add(router, siteId, instance);
    return "runs";
  }

  async #freeze(siteId: number, instance: string, sleepAt: number): Promise<boolean> {
    const { runnerOf, memoryLimitOf } = this.#deps;
    const runner = runnerOf(siteId);
    if (runner === undefined) return true;
    if (!(await runner.freeze(instance))) return false;
    const live = runner.current;
    if (live?.key !== instance || runner.status.state !== "frozen") return true;
    const memoryBytes = (await live.running.memoryBytes().catch(() => null)) ?? memoryLimitOf(siteId);
    this.#frozen.delete(siteId);
    this.#frozen.set(siteId, { instance, sleepAt, memoryBytes });
    if (this.totals().memoryBytes > this.#deps.frozenBytes) void this.look();
    else this.#schedule();
    return true;
  }

  // No clock ticks while nothing rests: a thousand sites that sleep cost nothing.
  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#frozen.size === 0 && this.#wanted.size === 0) return;
    this.#timer = setTimeout(() => void this.look(), this.#deps.everyMs).unref();
  }

  async #look(): Promise<void> {
    const now = this.#deps.clock.now();
    for (const [siteId, { instance, sleepAt }] of this.#wanted) {
      if (this.#deps.claims.isClaimed(siteId, instance)) continue;
      this.#wanted.delete(siteId);
      if (instance === undefined || sleepAt <= now) await this.#sleep(siteId, instance, { onlyFrozen: false });
      else await this.#freeze(siteId, instance, sleepAt);
    }
    for (const [siteId, { instance }] of this.#frozen) {
      const runner = this.#deps.runnerOf(siteId);
      if (runner?.current?.key !== instance || runner.status.state !== "frozen") this.#frozen.delete(siteId);
    }
    const due = [...this.#frozen].filter(([, { sleepAt }]) => sleepAt <= now);
    await Promise.all(due.slice(0, mostAtOnce).map(([siteId, { instance }]) => this.#sleep(siteId, instance, { onlyFrozen: true })));
    await this.#makeRoom();
  }

  // Those that rest longest go first. What a stopped program held is free a little later, so a machine that is short is asked again then.
  async #makeRoom(): Promise<void> {
    let { memoryBytes } = this.totals();
    const leaving: (readonly [number, Frozen])[] = [];
    const isShort = this.#deps.isMemoryShort();
    for (const entry of this.#frozen) {
      if (memoryBytes <= this.#deps.frozenBytes && (!isShort || leaving.length >= mostAtOnce)) break;
      memoryBytes -= entry[1].memoryBytes;
      leaving.push(entry);
    }
    await Promise.all(leaving.map(([siteId, { instance }]) => this.#sleep(siteId, instance, { onlyFrozen: true })));
  }

  async #sleep(siteId: number, instance: string | undefined, options: { readonly onlyFrozen: boolean }): Promise<void> {
    const rested = this.#frozen.get(siteId);
    this.#frozen.delete(siteId);
    const { runnerOf, log } = this.#deps;
    await runnerOf(siteId)
      ?.sleep(instance, options)
      .catch((err: unknown) => {
        log.error({ err, siteId }, "site could not be put to sleep");
        // It stands there still, and nobody else would come back to it.
        if (rested !== undefined) this.#frozen.set(siteId, rested);
      });
  }
}
