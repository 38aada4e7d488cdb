/** How many failures in a row open a circuit, and for how long it stays open, in milliseconds. */
export interface CircuitTerms {
  readonly failures: number;
  readonly firstMs: number;
  readonly mostMs: number;
}

/** Keeps from asking something that does not answer: after some failures in a row nothing is asked for a while, then one question tries. */
export class Circuit {
  readonly #terms: CircuitTerms;
  #failures = 0;
  #openMs = 0;
  #openUntil = 0;
  #isTrying = false;

  constructor(terms: CircuitTerms) {
    this.#terms = terms;
  }

  /** Whether it may be asked; of those who ask when the time is over, one may. */
  allows(now: number): boolean {
    if (this.#openUntil === 0) return true;
    if (now < this.#openUntil || this.#isTrying) return false;
    this.#isTrying = true;
    return true;
  }

  /** Whether `allows` would say yes. */
  wouldAllow(now: number): boolean {
    return this.#openUntil === 0 || (now >= this.#openUntil && !this.#isTrying);
  }

  /** Whether it is closed: all may ask. */
  get isClosed(): boolean {
    return this.#openUntil === 0;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#openMs = 0;
    this.#openUntil = 0;
    this.#isTrying = false;
  }

  /** Tells whether it has opened just now. */
  failed(now: number): boolean {
    const { failures, firstMs, mostMs } = this.#terms;
    this.#failures += 1;
    const wasTrying = this.#isTrying;
    this.#isTrying = false;
    if (!wasTrying && (this.#failures < failures || this.#openUntil > now)) return false;
    this.#openMs = Math.min(mostMs, this.#openMs === 0 ? firstMs : this.#openMs * 2);
    this.#openUntil = now + this.#openMs;
    return true;
  }
}
