/** The time, so that tests can give another. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
}

/** The machine's clock. */
export const systemClock: Clock = { now: () => Date.now() };

/**
 * Milliseconds since 1970 by a clock that nobody sets: right when the process started, and going on evenly since. For how long something takes or may take;
 * not for times that other processes see.
 */
export function steadyNow(): number {
  return performance.timeOrigin + performance.now();
}

/** A clock that nobody sets. What measures how long something takes asks for one of these, so that it cannot be given the machine's. */
export interface SteadyClock extends Clock {
  readonly isSteady: true;
}

/** This process's own. */
export const steadyClock: SteadyClock = { now: steadyNow, isSteady: true };
