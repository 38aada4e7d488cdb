/** What costs much to read, or is no matter of events: the person's own saving and opening reads it. */
const costly: readonly unknown[] = ["environment", "search"];

/** Whether something that is shown may have changed while no events came, by its query's key. */
export function isMissed(queryKey: readonly unknown[]): boolean {
  const [kind, , part, more] = queryKey;
  if (kind === "sites") return true;
  // The bytes of a kept version never change.
  return kind === "site" && !costly.includes(part) && !(part === "history" && more === "bytes");
}

/** Whether something shows the states of sites, which are asked for while no stream tells of them; the rest of a page waits for its own time. */
export function isPolled(queryKey: readonly unknown[]): boolean {
  const [kind] = queryKey;
  return kind === "sites" || (kind === "site" && queryKey.length === 2);
}
