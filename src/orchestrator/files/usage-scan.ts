import type { Jail } from "#kit/jail/jail.ts";
import { openRootUp } from "#kit/jail/open-up.ts";
import { sweepLeftOvers } from "#kit/jail/remove-tree.ts";
import { takenBytes } from "#kit/jail/taken-bytes.ts";
import { isLiveName } from "#kit/jail/temporary-name.ts";
import { walkTree } from "#kit/jail/walk-tree.ts";
import { mostCountedTimes, type Usage } from "./quota.ts";

// Holds a descriptor a level. Nobody needs deeper folders; a program that makes them has its site count as full.
const maxDepth = 200;
// What a crash leaves is little; a program that makes such files itself, as fast as they go, gets no more of our time.
const sweepMs = 10_000;

/**
 * Counts a site's files, after removing what a crash left unfinished among them. At twice as many files as it may have (`mostCountedTimes`) it is full whatever
 * else is there: a program that makes files faster than they are counted would be counted for ever.
 */
export async function scanUsage(jail: Jail, filesLimit: number): Promise<Usage> {
  openRootUp(jail.root)[Symbol.dispose]();
  await sweepLeftOvers(jail, sweepMs);
  let bytes = 0;
  let files = 0;
  let isTooDeep = false;
  let isShut = false;
  const whenShut = (): void => {
    isShut = true;
  };
  for await (const entry of walkTree(jail, "", { maxDepth, whenShut })) {
    // What is being written has an account of its own.
    if (isLiveName(entry.path)) continue;
    files += 1;
    if (files > mostCountedTimes * filesLimit) break;
    isTooDeep ||= entry.isTooDeep;
    if (!entry.stat.isDirectory()) bytes += takenBytes(entry.stat);
  }
  return { bytes, files, isTooDeep, isShut };
}
