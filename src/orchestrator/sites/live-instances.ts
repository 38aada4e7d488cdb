import type { Live } from "./boot-instance.ts";

/** Instances of one site that listen: the current one, and those that a restart has replaced but not retired yet. */
export class LiveInstances {
  readonly #all = new Set<Live>();
  readonly #stopping = new Set<Live>();
  #current: Live | null = null;

  get all(): readonly Live[] {
    return [...this.#all];
  }

  /** The one that visitors are sent to. */
  get current(): Live | null {
    return this.#current;
  }

  /** Visitors are sent to it from now on. */
  add(live: Live): void {
    this.#all.add(live);
    this.#current = live;
  }

  /** It has ended; says which one it was, and `null` when somebody has stopped it. */
  forget(live: Live): "current" | "replaced" | null {
    this.#stopping.delete(live);
    if (!this.#all.delete(live)) return null;
    if (this.#current !== live) return "replaced";
    this.#current = null;
    return "current";
  }

  /** Stops these, as far as they can be: one that refuses is again what it was. Resolves with the first refusal. */
  async stop(ending: readonly Live[], graceMs: number): Promise<{ readonly why: unknown } | null> {
    const before = this.#current;
    for (const live of ending) {
      this.#all.delete(live);
      this.#stopping.add(live);
      if (live === before) this.#current = null;
    }
    const refusals: { readonly why: unknown }[] = [];
    const stop = (live: Live): Promise<void> =>
      live.running.stop(graceMs).then(
        () => void this.#stopping.delete(live),
        (why: unknown) => {
          // One that has ended meanwhile has nothing to refuse.
          if (!this.#stopping.delete(live)) return;
          this.#all.add(live);
          if (live === before) this.#current = live;
          refusals.push({ why });
        },
      );
    await Promise.all(ending.map(stop));
    return refusals[0] ?? null;
  }
}
