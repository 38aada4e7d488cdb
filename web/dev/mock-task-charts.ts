const dayMs = 86_400_000;

/** A month of pretended tasks, from a day on. */
export function chartsOf(since: string): unknown {
  const first = Date.parse(`${since}T00:00:00Z`);
  const past = Array.from({ length: 30 }, (_, index) => first + index * dayMs).filter((at) => at < Date.now());
  const days = past.map((at, index) => {
    const total = (index * 7) % 23;
    const failed = index % 6 === 2 ? 3 : index % 4 === 1 ? 1 : 0;
    const isQuiet = total === 0;
    return {
      date: new Date(at).toISOString().slice(0, 10),
      total,
      succeeded: Math.max(total - failed, 0),
      failed: Math.min(failed, total),
      medianDurationMs: isQuiet ? null : 1_800 + index * 120,
      p95DurationMs: isQuiet ? null : 9_000 + (index % 7) * 2_500,
      medianWaitMs: isQuiet ? null : 12 + index,
      p95WaitMs: isQuiet ? null : 80 + (index % 5) * 120,
    };
  });
  const disk = past.map((at, index) => ({
    at: new Date(at + 40_000_000).toISOString(),
    uid: crypto.randomUUID(),
    freeBytes: 81_000_000_000 - index * 700_000_000,
  }));
  return { days, disk };
}
