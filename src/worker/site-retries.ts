/** An unfinished site is taken up again after a minute, then ever more rarely, up to an hour. */
const firstMs = 60_000;
const lastMs = 3_600_000;

/** When an unfinished site is due again. Times are of a clock that nobody sets. */
interface Retry {
  readonly dueAt: number;
  /** From the next time on. */
  readonly delayMs: number;
}

/** Which unfinished sites are taken up again, and when. */
export class SiteRetries {
  readonly #bySite = new Map<number, Retry>();

  /**
   * Whether this site is due now; if so, it is put off. For how long it has been as it is says the difference of two clocks, the database's and this machine's:
   * that may let it be taken up sooner the first time, and never later than a minute after it was seen here.
   */
  take(siteId: number, ageMs: number): boolean {
    const now = performance.now();
    // Each is asked for at every pass: one that was not for so long is gone.
    for (const [id, { dueAt }] of this.#bySite) if (now - dueAt > lastMs) this.#bySite.delete(id);
    const retry = this.#bySite.get(siteId) ?? { dueAt: now + firstMs, delayMs: firstMs };
    const isDue = now >= retry.dueAt || (retry.delayMs === firstMs && ageMs >= firstMs);
    const delayMs = Math.min(retry.delayMs * 2, lastMs);
    this.#bySite.set(siteId, isDue ? { dueAt: now + delayMs, delayMs } : retry);
    return isDue;
  }

  forget(siteId: number): void {
    this.#bySite.delete(siteId);
  }
}
