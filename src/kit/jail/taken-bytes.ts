import type { Stats } from "node:fs";

const blockBytes = 512;
const smallBytes = 4096;

/** What a file takes of the disk, as a site's quota counts it: a sparse file what it has blocks for, a small one what it holds. */
export function takenBytes({ size, blocks }: Pick<Stats, "size" | "blocks">): number {
  return Math.min(size, Math.max(blocks * blockBytes, smallBytes));
}
