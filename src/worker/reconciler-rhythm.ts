/** Passes with nothing to do after which the next ones come more rarely. */
const quietUntilSlower = 2;
const slowestMs = 60_000;
const sweepMs = 120_000;
/** Whoever asks for more than is usual gets all of it, at each pass. */
const usualMs = 30_000;

/** How often the reconciler compares and sweeps, in milliseconds. */
export interface ReconcilerRhythm {
  /** Until the next pass, after so many that found nothing to do. */
  readonly restMs: (quietPasses: number) => number;
  readonly sweepMs: number;
}

/** Slower while nothing happens, but never where more was asked for. */
export function rhythmOf(everyMs: number): ReconcilerRhythm {
  if (everyMs < usualMs) return { restMs: () => everyMs, sweepMs: 0 };
  return { restMs: (quietPasses) => (quietPasses < quietUntilSlower ? everyMs : Math.max(everyMs, slowestMs)), sweepMs };
}
