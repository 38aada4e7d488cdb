import type { Live } from "./boot-instance.ts";

export interface FrozenLifeDeps {
  readonly onChange: (live: Live, isFrozen: boolean) => void;
  /** Adds to the site's log. */
  readonly say: (line: string) => void;
}

/** Halts a site's program and lets it go on: whoever wants it while it is being halted waits for both. */
export class FrozenLife {
  readonly #deps: FrozenLifeDeps;
  #frozen: { readonly live: Live; readonly standing: Promise<void> } | null = null;
  #thawing: { readonly live: Live; readonly done: Promise<void> } | null = null;

  constructor(deps: FrozenLifeDeps) {
    this.#deps = deps;
  }

  /** Whether this one is frozen, or about to be, or about to go on. */
  holds(live: Live): boolean {
    return this.#frozen?.live === live || this.#thawing?.live === live;
  }

  /** False when it was wanted meanwhile, or could not be halted: it goes on then. */
  async freeze(live: Live): Promise<boolean> {
    if (this.#frozen?.live === live) return true;
    await this.#thawing?.done.catch(() => undefined);
    const mine = { live, standing: live.running.freeze() };
    this.#frozen = mine;
    try {
      await mine.standing;
    } catch (error) {
      if (this.#frozen === mine) this.#frozen = null;
      this.#deps.say(`it could not be frozen and runs on: ${error instanceof Error ? error.message : String(error)}`);
      return false;
    }
    if (this.#frozen !== mine) return false;
    this.#deps.onChange(live, true);
    return true;
  }

  /** Done at once when it is not frozen. */
  thaw(live: Live): Promise<void> {
    if (this.#thawing?.live === live) return this.#thawing.done;
    const frozen = this.#frozen;
    if (frozen?.live !== live) return Promise.resolve();
    this.#frozen = null;
    const mine = { live, done: this.#thaw(frozen) };
    this.#thawing = mine;
    const forget = (): void => {
      if (this.#thawing === mine) this.#thawing = null;
    };
    mine.done.then(forget, forget);
    return mine.done;
  }

  /** It is being stopped, or has ended; says whether it was frozen. */
  forget(live: Live): boolean {
    const wasFrozen = this.#frozen?.live === live;
    if (wasFrozen) this.#frozen = null;
    return wasFrozen;
  }

  async #thaw({ live, standing }: { readonly live: Live; readonly standing: Promise<void> }): Promise<void> {
    await standing.catch(() => undefined);
    await live.running.thaw();
    this.#deps.onChange(live, false);
  }
}
