import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { blockCount, blockRange, isLinkOf, rangeOf } from "./network-plan.ts";
import { mustRun } from "./run-command.ts";

/** A part of the addresses that is ours alone on this machine until `release`, or until this process ends in whatever way. */
export interface AddressBlock {
  readonly block: number;
  release(): void;
}

/**
 * Takes a free block; null when other Backlots or networks of the machine use all of them. The one that this installation had `before` is
 * its last choice: routers may still send visitors there, who would meet other sites by now.
 */
export async function claimAddressBlock(ip: string, own: { readonly installation: string; readonly before: number | null }): Promise<AddressBlock | null> {
  const used = await usedRanges(ip, own.installation);
  for (const block of blocksAfter(own.before)) {
    const range = blockRange(block);
    if (used.some((other) => other.first <= range.last && range.first <= other.last)) continue;
    // A name in Linux' abstract namespace belongs to a network namespace, like the addresses, and the kernel frees it with the process.
    const lock = await lockName(`\0backlot/site-addresses/${block}`);
    if (lock === null) continue;
    return { block, release: () => lock.close() };
  }
  return null;
}

/** All blocks in the order in which they are tried. */
export function blocksAfter(before: number | null): readonly number[] {
  return Array.from({ length: blockCount }, (_, index) => (index + (before ?? -1) + 1) % blockCount);
}

/** The block that an installation had the last time it ran; null when it is not known. */
export function readFormerBlock(file: string): number | null {
  try {
    const block = Number(readFileSync(file, "utf8"));
    return Number.isInteger(block) && block >= 0 && block < blockCount ? block : null;
  } catch {
    return null;
  }
}

/**
 * What the machine routes already, but for what is left of this installation itself and is removed next. Sandboxes of another
 * Backlot that was killed may live on for a moment: their addresses are not free, although nobody holds the lock any more.
 */
async function usedRanges(ip: string, installation: string): Promise<readonly { readonly first: number; readonly last: number }[]> {
  const routes: unknown = JSON.parse((await mustRun([ip, "-4", "-json", "route", "show", "table", "all"])) || "[]");
  if (!Array.isArray(routes)) return [];
  return routes.flatMap((route: { readonly dst?: unknown; readonly dev?: unknown }) => {
    const range = rangeOf(String(route.dst));
    return range === null || isLinkOf(installation, String(route.dev)) ? [] : [range];
  });
}

function lockName(name: string): Promise<Server | null> {
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.on("error", (error: NodeJS.ErrnoException) => (error.code === "EADDRINUSE" ? resolve(null) : reject(error)));
    server.listen(name, () => {
      server.unref();
      resolve(server);
    });
  });
}
