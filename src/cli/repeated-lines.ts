/** A line of a site's log as it is streamed: what was written, and when (ISO 8601, to the millisecond). */
export interface TimedLine {
  readonly line: string;
  readonly at: string;
}

/** Tells lines that a reconnection repeats from new ones. The log has no cursor: what is older than the newest line shown is known, and so is what equals a line of that moment. */
export class RepeatedLines {
  #newestAt = "";
  #ofNewest = new Map<string, number>();
  #repeating: { readonly until: string; readonly known: Map<string, number> } | null = null;

  /** Whether no line was shown yet. */
  get isEmpty(): boolean {
    return this.#newestAt === "";
  }

  /** From here on the last lines come once more. */
  expectRepetition(): void {
    this.#repeating = { until: this.#newestAt, known: new Map(this.#ofNewest) };
  }

  /** Whether a line was not shown yet; it counts as shown afterwards. */
  isNew(line: TimedLine): boolean {
    if (this.#repeats(line)) return false;
    if (line.at !== this.#newestAt) this.#ofNewest = new Map();
    this.#newestAt = line.at;
    this.#ofNewest.set(line.line, (this.#ofNewest.get(line.line) ?? 0) + 1);
    return true;
  }

  #repeats({ line, at }: TimedLine): boolean {
    if (this.#repeating === null) return false;
    const { until, known } = this.#repeating;
    if (at !== until) {
      if (at > until) this.#repeating = null;
      return at < until;
    }
    const times = known.get(line) ?? 0;
    known.set(line, times - 1);
    return times > 0;
  }
}
