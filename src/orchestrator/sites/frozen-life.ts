import { Failure } from "#contract/failure.ts";
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
    await this.#thawing?.done.catch(() => undefined);
    if (this.#frozen?.live === live) return true;
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

  /** Done at once when it is not frozen; one that cannot go on is frozen as before. */
  thaw(live: Live): Promise<void> {
    if (this.#thawing?.live === live) return this.#thawing.done;
    const frozen = this.#frozen;
    if (frozen?.live !== live) return Promise.resolve();
    this.#frozen = null;
    const mine = { live, done: this.#thaw(frozen) };
    this.#thawing = mine;
    const end = (isFrozen: boolean): void => {
      if (this.#thawing !== mine) return;
      this.#thawing = null;
      if (isFrozen) this.keep(live);
    };
    mine.done.then(
      () => end(false),
      () => end(true),
    );
    return mine.done;
  }

  /**
   * `thaw` for a visitor. "stuck": it is to be stopped instead; "ended": somebody stops it already.
   * @throws {Failure} when it cannot be stopped either: what it needs for both is away, or refuses.
   */
  async goOn(live: Live): Promise<"listens" | "stuck" | "ended"> {
    try {
      await this.thaw(live);
      return "listens";
    } catch (error) {
      if (!(error instanceof Failure)) return "stuck";
      if (this.holds(live)) throw error;
      return "ended";
    }
  }

  /** It stands still, as it did when it was forgotten. */
  keep(live: Live): void {
    this.#frozen = { live, standing: Promise.resolve() };
  }

  /** It is being stopped, or has ended; says whether it was frozen, or was only about to go on. */
  forget(live: Live): boolean {
    const wasFrozen = this.holds(live);
    if (this.#frozen?.live === live) this.#frozen = null;
    if (this.#thawing?.live === live) this.#thawing = null;
    return wasFrozen;
  }

  async #thaw({ live, standing }: { readonly live: Live; readonly standing: Promise<void> }): Promise<void> {
    await standing.catch(() => undefined);
    await live.running.thaw();
    this.#deps.onChange(live, false);
  }
}
