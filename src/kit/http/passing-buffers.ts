import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** After so many bytes the buffers that they came in are swept up. */
const sweepBytes = 4 * 1024 * 1024;

let sweep: (() => void) | undefined;
let passed = 0;

/**
 * Told of bytes that came in buffers of their own and are not kept. Node reads an accepted connection into a fresh buffer each time; V8 sees few
 * objects then, and once 64 MB lie in such buffers it looks through the whole heap for them, which took more processor time than everything else
 * that an upload needs. A collection of young objects alone finds nearly all of them, within a millisecond.
 */
export function notePassed(bytes: number): void {
  passed += bytes;
  if (passed < sweepBytes) return;
  passed = 0;
  sweep ??= youngSweep();
  sweep();
}

// V8 gives its collector to contexts that are made after the flag was set.
function youngSweep(): () => void {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  return typeof collect === "function" ? () => void collect({ type: "minor" }) : () => undefined;
}
