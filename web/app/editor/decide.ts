/** What an open file knows of itself, and what the site holds now. Versions are entity tags; null: not there. */
export interface Standing {
  /** The version that the text in the editor is based on. */
  readonly base: string | null;
  readonly disk: string | null;
  readonly isDirty: boolean;
}

/** What to do about a file that may have changed in the site while it is open. */
export type DiskDecision = "nothing" | "reload" | "tell-changed" | "tell-gone";

/** A clean tab follows the site quietly; unsaved work is never touched. */
export function onDiskChange({ base, disk, isDirty }: Standing): DiskDecision {
  if (disk === base) return "nothing";
  if (disk === null) return "tell-gone";
  return isDirty ? "tell-changed" : "reload";
}

/** How unsaved work that the browser kept stands to what the site holds now. */
export type DraftDecision = "drop" | "resume" | "resume-beside-change" | "resume-beside-loss";

/** `isSame`: the draft's text is what the site holds anyway. */
export function onDraft({ base, disk, isSame }: { readonly base: string | null; readonly disk: string | null; readonly isSame: boolean }): DraftDecision {
  if (isSame) return "drop";
  if (base === disk) return "resume";
  return disk === null ? "resume-beside-loss" : "resume-beside-change";
}

/** A change that turns one text into another and leaves the common beginning and end alone, so that the cursor stays. */
export function narrowChange(before: string, after: string): { readonly from: number; readonly to: number; readonly insert: string } | null {
  if (before === after) return null;
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before.charCodeAt(start) === after.charCodeAt(start)) start++;
  let end = 0;
  while (end < shorter - start && before.charCodeAt(before.length - 1 - end) === after.charCodeAt(after.length - 1 - end)) end++;
  return { from: start, to: before.length - end, insert: after.slice(start, after.length - end) };
}
