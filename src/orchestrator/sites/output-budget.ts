/** How much a program may print. */
export interface BudgetLimits {
  readonly charactersPerSecond: number;
  /** What it may print at once after a quiet time. */
  readonly burstCharacters: number;
}

export const defaultBudget: BudgetLimits = { charactersPerSecond: 256 * 1024, burstCharacters: 1024 * 1024 };

/** A token bucket: a program that prints without end costs the log and its followers only this much. */
export class OutputBudget {
  readonly #limits: BudgetLimits;
  #left: number;
  #at: number;

  constructor(limits: BudgetLimits, now: number) {
    this.#limits = limits;
    this.#left = limits.burstCharacters;
    this.#at = now;
  }

  /** Whether so many characters may pass now. */
  take(characters: number, now: number): boolean {
    const earned = (Math.max(0, now - this.#at) / 1000) * this.#limits.charactersPerSecond;
    this.#left = Math.min(this.#limits.burstCharacters, this.#left + earned);
    this.#at = now;
    if (characters > this.#left) return false;
    this.#left -= characters;
    return true;
  }
}
