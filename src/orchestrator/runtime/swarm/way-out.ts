import { Lane } from "#orchestrator/sites/lane.ts";

/** Lets the container at an address out; what it gives takes that back. */
export type LetOut = (ip: string) => Promise<() => Promise<void>>;

/**
 * Which containers may go out, by their addresses. An engine that was started again gives an address to another container before the end of the one
 * before is known here: who comes inherits nothing, and the one before takes nothing from it.
 */
export class WayOut {
  readonly #letOut: LetOut;
  readonly #open = new Map<string, { readonly holder: symbol; readonly close: () => Promise<void> }>();
  readonly #lane = new Lane();

  constructor(letOut: LetOut) {
    this.#letOut = letOut;
  }

  /** Lets a container out, where it may go out and has an address; what it gives takes that back. */
  async open(ip: string | null, hasEgress: boolean): Promise<() => Promise<void>> {
    if (ip === null) return async () => undefined;
    const holder = Symbol(ip);
    await this.#lane.run(async () => {
      const before = this.#open.get(ip);
      if (hasEgress) this.#open.set(ip, { holder, close: before?.close ?? (await this.#letOut(ip)) });
      else if (before !== undefined) await this.#close(ip, before.holder);
    });
    return () => this.#lane.run(() => this.#close(ip, holder));
  }

  async #close(ip: string, holder: symbol): Promise<void> {
    const open = this.#open.get(ip);
    if (open?.holder !== holder) return;
    this.#open.delete(ip);
    await open.close();
  }
}
