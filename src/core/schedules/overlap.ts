import type { OverlapPolicy } from "./schedule.ts";

/**
 * What a due run does while an earlier one of the same schedule goes on. Runs of one schedule never go on together: what is created waits for
 * what was created before it.
 */
export function judgeOverlap(policy: OverlapPolicy, goesOn: boolean): { readonly creates: boolean; readonly cancelsEarlier: boolean } {
  return { creates: !goesOn || policy !== "skip", cancelsEarlier: goesOn && policy === "replace" };
}
