import type { Log } from "#kit/log.ts";
import type { LeftContainer } from "./left-containers.ts";
import type { Slot } from "./service-spec.ts";

export interface LeftProgramsDeps {
  /** Ends one; rejects while that cannot be done. */
  readonly end: (container: LeftContainer) => Promise<void>;
  readonly log: Log;
  /** Until those that could not be ended are tried again. */
  readonly sweepEveryMs?: number;
}

const usualSweepEveryMs = 10_000;

/** What an earlier orchestrator left running and nobody has taken charge of yet. Each is known until it has ended for sure. */
export class LeftPrograms {
  readonly #deps: LeftProgramsDeps;
  readonly #left = new Map<string, LeftContainer>();
  /** Nobody takes charge of those that are being ended. */
  readonly #ending = new Map<LeftContainer, Promise<void>>();
  /** Nobody wants any of them any more. */
  #isSwept = false;
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: LeftProgramsDeps) {
    this.#deps = deps;
  }

  /** One was found, or could not be taken charge of after all. */
  put(container: LeftContainer): void {
    this.#left.set(keyOf(container.siteId, container.slot), container);
    this.#sweepLater();
  }

  /** One that somebody may take charge of. */
  find(siteId: number, instance: string): LeftContainer | undefined {
    return this.#of(siteId).find((container) => container.instance === instance && !this.#ending.has(container));
  }

  has(siteId: number): boolean {
    return this.#of(siteId).length > 0;
  }

  /** The place is somebody's now. */
  take(siteId: number, slot: Slot): void {
    this.#left.delete(keyOf(siteId, slot));
  }

  /** Ends those of a site; without a site all of them, again and again until none is left. @throws what the first said that could not be ended. */
  async drop(siteId?: number): Promise<void> {
    if (this.#isClosed) return;
    if (siteId === undefined) this.#isSwept = true;
    const errors: unknown[] = [];
    for (const container of siteId === undefined ? [...this.#left.values()] : this.#of(siteId)) {
      // Somebody may have taken charge of it meanwhile.
      if (this.#left.get(keyOf(container.siteId, container.slot)) !== container) continue;
      await this.#end(container).catch((error: unknown) => errors.push(error));
    }
    this.#sweepLater();
    if (errors.length > 0) throw errors[0];
  }

  /** What is left now is the next orchestrator's. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #end(container: LeftContainer): Promise<void> {
    const known = this.#ending.get(container);
    if (known !== undefined) return known;
    const ending = this.#deps
      .end(container)
      .then(() => this.take(container.siteId, container.slot))
      .finally(() => this.#ending.delete(container));
    this.#ending.set(container, ending);
    return ending;
  }

  #sweepLater(): void {
    if (!this.#isSwept || this.#isClosed || this.#left.size === 0 || this.#timer !== undefined) return;
    const sweep = (): void => {
      this.#timer = undefined;
      this.drop().catch((err: unknown) => this.#deps.log.warn({ err, left: this.#left.size }, "programs that nobody wants cannot be ended yet"));
    };
    this.#timer = setTimeout(sweep, this.#deps.sweepEveryMs ?? usualSweepEveryMs).unref();
  }

  #of(siteId: number): readonly LeftContainer[] {
    return [...this.#left.values()].filter((container) => container.siteId === siteId);
  }
}

function keyOf(siteId: number, slot: Slot): string {
  return `${siteId}/${slot}`;
}
