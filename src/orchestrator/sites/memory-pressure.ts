import { totalmem } from "node:os";

/** Below this share the kernel soon ends programs, and not those that rest. */
const shortShare = 0.06;

/** Whether this machine, or the container that we run in, is short of memory. */
export function isMemoryShort(): boolean {
  const limit = process.constrainedMemory();
  const total = limit > 0 ? Math.min(limit, totalmem()) : totalmem();
  return process.availableMemory() < total * shortShare;
}
