import { nextMoments, parseCron } from "./cron.ts";

/** How many of the next runs are shown. */
const shownRuns = 5;
/** Plans whose next runs are remembered: a list of schedules is read again and again. */
const usualMost = 1_000;

/** What was worked out; it holds until the first of the moments. */
interface Kept {
  readonly at: number;
  readonly runs: readonly Date[];
}

/** The next runs of plans as people are shown them, worked out once until the first of them is over. */
export class NextRuns {
  readonly #kept = new Map<string, Kept>();
  readonly #most: number;

  constructor(options: { readonly most?: number } = {}) {
    this.#most = options.most ?? usualMost;
  }

  /** @throws {Failure} `cron_invalid`, `time_zone_unknown`. */
  of(plan: { readonly cron: string; readonly timeZone: string }, now: number): readonly Date[] {
    const key = JSON.stringify([plan.cron, plan.timeZone]);
    const kept = this.#kept.get(key);
    if (kept !== undefined && kept.at <= now && now < (kept.runs[0]?.getTime() ?? Number.POSITIVE_INFINITY)) return kept.runs;
    const runs = nextMoments(parseCron(plan.cron, plan.timeZone), new Date(now), shownRuns);
    // Anew at the end: what was worked out longest ago goes first.
    this.#kept.delete(key);
    this.#kept.set(key, { at: now, runs });
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= this.#most) break;
      this.#kept.delete(oldest);
    }
    return runs;
  }
}
