import type { FileDeed } from "#contract/internal/files.ts";

/** One thing that was done, with its number in the journal. */
export interface NumberedDeed extends Omit<FileDeed, "count" | "paths"> {
  readonly number: number;
  readonly path: string;
}

/** How long a group waits for more of its kind, how long at most, and how many paths of it are told. */
export const grouping = { quietMs: 2_000, longestMs: 60_000, paths: 20 };

/** Deeds of one kind by one person through one door as one, and the number up to which they are settled. */
export interface Grouped {
  readonly deeds: FileDeed[];
  readonly through: number;
}

/**
 * Decides what may be told of a journal's next deeds: everything before the first deed whose group may still grow, so that nothing is
 * told twice and two thousand deletions of one session are one entry.
 */
export function groupDeeds(deeds: readonly NumberedDeed[], after: number, now: number): Grouped {
  const open = groupsOf(deeds).filter(({ first, last }) => now - Date.parse(last.at) < grouping.quietMs && now - Date.parse(first.at) < grouping.longestMs);
  const held = Math.min(...open.map(({ first }) => first.number));
  const settled = deeds.filter((deed) => deed.number < held);
  const through = settled.at(-1)?.number ?? after;
  return { deeds: groupsOf(settled).map(({ first, count, paths }) => fileDeedOf(first, count, paths)), through };
}

interface Group {
  readonly first: NumberedDeed;
  last: NumberedDeed;
  count: number;
  readonly paths: string[];
}

function groupsOf(deeds: readonly NumberedDeed[]): readonly Group[] {
  const groups: Group[] = [];
  const latest = new Map<string, Group>();
  for (const deed of deeds) {
    const key = JSON.stringify([deed.siteId, deed.siteName, deed.userId, deed.userName, deed.door, deed.address, deed.action]);
    const group = latest.get(key);
    // Later ones begin a new group, or a busy person would be one entry for ever.
    if (
      group === undefined ||
      Date.parse(deed.at) - Date.parse(group.first.at) > grouping.longestMs ||
      Date.parse(deed.at) - Date.parse(group.last.at) > grouping.quietMs
    ) {
      const fresh = { first: deed, last: deed, count: 1, paths: [deed.path] };
      latest.set(key, fresh);
      groups.push(fresh);
      continue;
    }
    group.last = deed;
    group.count += 1;
    if (group.paths.length < grouping.paths) group.paths.push(deed.path);
  }
  return groups;
}

function fileDeedOf(first: NumberedDeed, count: number, paths: readonly string[]): FileDeed {
  const { number: _number, path: _path, ...deed } = first;
  return { ...deed, count, paths: [...paths] };
}
