import { Failure } from "#contract/failure.ts";
import type { Log } from "#kit/log.ts";

/** What the watch needs. */
export interface QuotaWatchDeps {
  /** Sites whose programs run, or did since this was last asked. */
  readonly running: () => readonly number[];
  /** Whether a site has outgrown its quota, counted anew. */
  readonly excess: (siteId: number) => Promise<Failure | null>;
  readonly stop: (siteId: number, failure: Failure) => Promise<void>;
  readonly log: Log;
  readonly everyMs: number;
  /** So long the others wait for one site; it is counted to its end meanwhile. Five seconds unless a test says otherwise. */
  readonly patienceMs?: number;
}

const usualPatienceMs = 5_000;
/** As many sites are counted at a time at most when they take long. */
const atOnce = 8;

/**
 * Programs write without asking: whoever has outgrown its quota is stopped, and started again only when it fits.
 * In between, the limit of one file's size and the disk's floor for everybody else's writes hold.
 */
export class QuotaWatch {
  readonly #deps: QuotaWatchDeps;
  readonly #full = new Set<number>();
  /** Sites that are being counted. */
  readonly #looks = new Map<number, Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #pass: Promise<void> | undefined;
  #isStopped = false;
  #goOn: () => void = () => undefined;

  constructor(deps: QuotaWatchDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#timer = setInterval(() => void this.look(), this.#deps.everyMs).unref();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    this.#goOn();
    await this.#pass;
  }

  /** Looks at every running site, one after the other as long as none takes long: a walk through files is work for the disk. */
  look(): Promise<void> {
    this.#pass ??= this.#lookAtAll().finally(() => {
      this.#pass = undefined;
    });
    return this.#pass;
  }

  /** Only sites that were found full before are counted at a start: it must not make the others wait. @throws {Failure} `quota_exceeded`. */
  async checkRoom(siteId: number): Promise<void> {
    if (!this.#full.has(siteId)) return;
    const failure = await this.#deps.excess(siteId);
    if (failure !== null) throw failure;
    this.#full.delete(siteId);
  }

  async #lookAtAll(): Promise<void> {
    for (const siteId of this.#deps.running()) {
      if (this.#isStopped) return;
      if (this.#looks.has(siteId)) continue;
      const look = this.#lookAt(siteId).finally(() => this.#looks.delete(siteId));
      this.#looks.set(siteId, look);
      await this.#waitFor([look], this.#deps.patienceMs ?? usualPatienceMs);
      if (this.#looks.size >= atOnce) await this.#waitFor(this.#looks.values());
    }
  }

  async #lookAt(siteId: number): Promise<void> {
    try {
      const failure = await this.#deps.excess(siteId);
      if (failure === null || this.#isStopped) return;
      this.#full.add(siteId);
      this.#deps.log.info({ siteId }, "a program outgrew its site's quota and is stopped");
      await this.#deps.stop(siteId, failure);
    } catch (err) {
      // Removed meanwhile, or unreadable for a moment: the next look tries again.
      const level = err instanceof Failure ? "debug" : "warn";
      this.#deps.log[level]({ err, siteId }, "a site's files could not be counted");
    }
  }

  /** Until one of them has come to its end, the time is over, or the watch is stopped. */
  async #waitFor(looks: Iterable<Promise<void>>, ms?: number): Promise<void> {
    const over = Promise.withResolvers<void>();
    this.#goOn = over.resolve;
    const timer = ms === undefined ? undefined : setTimeout(over.resolve, ms);
    await Promise.race([...looks, over.promise]);
    clearTimeout(timer);
  }
}
