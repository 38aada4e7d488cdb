import type { Jail } from "#kit/jail/jail.ts";
import { openRootUp } from "#kit/jail/open-up.ts";
import { sweepLeftOvers } from "#kit/jail/remove-tree.ts";
import { isLiveName } from "#kit/jail/temporary-name.ts";
import { walkTree } from "#kit/jail/walk-tree.ts";
import type { Usage } from "./quota.ts";

// Holds a descriptor a level. Nobody needs deeper folders; a program that makes them has its site count as full.
const maxDepth = 200;
const blockBytes = 512;

/** Counts a site's files, after removing what a crash left unfinished among them. */
export async function scanUsage(jail: Jail): Promise<Usage> {
  openRootUp(jail.root)[Symbol.dispose]();
  await sweepLeftOvers(jail);
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
    isTooDeep ||= entry.isTooDeep;
    // A sparse file counts as what it takes, a small one as what it holds.
    if (!entry.stat.isDirectory()) bytes += Math.min(entry.stat.size, Math.max(entry.stat.blocks * blockBytes, 4096));
  }
  return { bytes, files, isTooDeep, isShut };
}
