import { mostRunsAtOnce } from "./plan-runs.ts";
import type { OverlapPolicy } from "./schedule.ts";

/** What becomes of runs that fall due. */
export interface OverlapVerdict {
  /** How many of them are created: the newest. */
  readonly creates: number;
  /** Earlier ones, waiting or running, are cancelled first. */
  readonly cancelsEarlier: boolean;
}

/**
 * Decides about due runs while so many earlier ones of the same schedule wait or run. Runs of one schedule never go on together: what is
 * created waits for what was created before it. So a plan that is quicker than its script gathers tasks that wait, up to a limit.
 */
export function judgeOverlap(policy: OverlapPolicy, runs: { readonly due: number; readonly goOn: number }): OverlapVerdict {
  const { due, goOn } = runs;
  if (goOn === 0 || due === 0) return { creates: due, cancelsEarlier: false };
  if (policy === "skip") return { creates: 0, cancelsEarlier: false };
  if (policy === "replace") return { creates: due, cancelsEarlier: true };
  return { creates: Math.min(due, Math.max(mostRunsAtOnce - goOn, 0)), cancelsEarlier: false };
}
