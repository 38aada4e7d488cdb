import type { CatchUpPolicy, OverlapPolicy } from "./schedule-draft.ts";

/** What happens when a run falls due while the one before goes on. */
export const overlapWords: Readonly<Record<OverlapPolicy, string>> = {
  skip: "Leave the new one out",
  queue: "Let the new one wait",
  replace: "End the old one, start the new one",
};

/** What happens with runs that fell due while Backlot was down. */
export const catchUpWords: Readonly<Record<CatchUpPolicy, string>> = {
  last: "Run once",
  none: "Leave them out",
  all: "Run each of them",
};

/** Expressions to begin with. */
export const cronExamples: readonly (readonly [cron: string, words: string])[] = [
  ["*/15 * * * *", "Every quarter of an hour"],
  ["0 * * * *", "Every hour"],
  ["30 5 * * *", "Every day at 5:30"],
  ["30 5 * * 1-5", "Monday to Friday at 5:30"],
  ["0 18 * * 0", "Sundays at 18:00"],
  ["0 4 1 * *", "On the first of a month at 4:00"],
];

/** An expression in words where it is one of the usual ones. */
export function cronWords(cron: string): string | null {
  return cronExamples.find(([each]) => each === cron.trim())?.[1] ?? null;
}
