/** Timers, so that tests can let time pass. */
export interface Timers {
  /** Calls back after so many milliseconds, unless the returned function is called before. */
  after(ms: number, act: () => void): () => void;
}

/** The machine's timers. */
export const systemTimers: Timers = {
  after: (ms, act) => {
    const timer = setTimeout(act, ms);
    return () => clearTimeout(timer);
  },
};
