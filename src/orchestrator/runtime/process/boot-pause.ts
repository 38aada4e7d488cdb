/** Milliseconds until the next look whether a program listens that has booted for so long: a boot is over in tens of milliseconds, or takes seconds. Pure. */
export function bootPauseMs(bootedMs: number): number {
  if (bootedMs < 1000) return 2;
  return bootedMs < 5000 ? 5 : 25;
}
