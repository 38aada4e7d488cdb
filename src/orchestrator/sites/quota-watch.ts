import type { Failure } from "#contract/failure.ts";
import type { Log } from "#kit/log.ts";

/** What the watch needs. */
export interface QuotaWatchDeps {
  /** Sites whose program runs. */
  readonly running: () => readonly number[];
  /** Whether a site has outgrown its quota, counted anew. */
  readonly excess: (siteId: number) => Promise<Failure | null>;
  readonly stop: (siteId: number, failure: Failure) => Promise<void>;
  readonly log: Log;
  readonly everyMs: number;
}

/**
 * Programs write without asking: whoever has outgrown its quota is stopped, and started again only when it fits.
 * In between, the limit of one file's size and the disk's floor for everybody else's writes hold.
 */
export class QuotaWatch {
  readonly #deps: QuotaWatchDeps;
  readonly #full = new Set<number>();
  #timer: NodeJS.Timeout | undefined;
  #pass: Promise<void> | undefined;

  constructor(deps: QuotaWatchDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#timer = setInterval(() => this.look(), this.#deps.everyMs).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#pass;
  }

  /** Looks at every running site, one after the other: a walk through files is work for the disk. */
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
      try {
        const failure = await this.#deps.excess(siteId);
        if (failure === null) continue;
        this.#full.add(siteId);
        this.#deps.log.info({ siteId }, "a program outgrew its site's quota and is stopped");
        await this.#deps.stop(siteId, failure);
      } catch (err) {
        // Removed meanwhile, or unreadable for a moment: the next look tries again.
        this.#deps.log.debug({ err, siteId }, "a site's files could not be counted");
      }
    }
  }
}
