const firstMs = 10_000;
const lastMs = 600_000;

/** Sites that could not be brought to what they should be: each is tried again ever more rarely, so that many of them do not use up every pass. */
export class SiteTroubles {
  readonly #bySite = new Map<number, { readonly dueAt: number; readonly delayMs: number }>();

  isDue(siteId: number): boolean {
    return (this.#bySite.get(siteId)?.dueAt ?? 0) <= performance.now();
  }

  note(siteId: number): void {
    const delayMs = this.#bySite.get(siteId)?.delayMs ?? firstMs;
    this.#bySite.set(siteId, { dueAt: performance.now() + delayMs, delayMs: Math.min(delayMs * 2, lastMs) });
  }

  forget(siteId: number): void {
    this.#bySite.delete(siteId);
  }
}
