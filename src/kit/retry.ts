/** How long to wait between attempts: `firstMs`, doubled each time, at most `mostMs`. */
export interface BackOff {
  readonly firstMs: number;
  readonly mostMs: number;
}

/** The wait after this many failures in a row (1 is the first). */
export function backOffMs(failures: number, { firstMs, mostMs }: BackOff): number {
  return Math.min(mostMs, firstMs * 2 ** Math.max(0, failures - 1));
}
