import { z } from "zod";
import { isAtOrBelow, movedPath } from "./tabs.ts";

/** Whose work it is, in which site: the id stays when the site is renamed. */
export interface Owner {
  readonly user: string;
  readonly site: { readonly id: number; readonly name: string };
}

/** What a site's work is kept by: no site can be named so. */
export function keyOfSite(site: Owner["site"]): string {
  return `#${site.id}`;
}

/** Unsaved text, kept by the browser until it is saved or given up. */
export const draft = z.object({
  /** The version that it was written on, as an entity tag; null for a file that was not there. */
  base: z.string().nullable(),
  text: z.string(),
  lineEnd: z.enum(["\n", "\r\n"]),
  hasMark: z.boolean(),
  /** When it was last changed, in milliseconds since 1970. */
  at: z.number(),
  /** How the site was called then: to tell a person whose site's work it is. */
  siteName: z.string().optional(),
  /** The page that wrote it: other pages of the browser may have the same file open. */
  page: z.string().optional(),
});
export type Draft = z.output<typeof draft>;
export type Drafts = ReadonlyMap<string, Draft>;

/** Longest text of one draft, in characters: the largest file that can be edited, and something on top. */
export const maxDraftLength = 2_000_000;
/** Longest text of all drafts of a site together, in characters. */
export const maxDraftsLength = 20_000_000;

/** Whether there is room for a draft beside the others. One is never dropped to make room: it is somebody's work. */
export function fits(drafts: Drafts, path: string, text: string): boolean {
  if (text.length > maxDraftLength) return false;
  let others = 0;
  for (const [each, { text: other }] of drafts) if (each !== path) others += other.length;
  return others + text.length <= maxDraftsLength;
}

/** The drafts after a file or folder was moved: they go with it. One whose new place is taken stays where it is: both are somebody's work. */
export function movedDrafts(drafts: Drafts, move: { readonly from: string; readonly to: string }): Drafts {
  const placeOf = (path: string): string => (drafts.has(movedPath(path, move)) ? path : movedPath(path, move));
  return new Map([...drafts].map(([path, each]) => [placeOf(path), each]));
}

/** The paths of unsaved work that something which is moved would come upon. */
export function unsavedInTheWay(unsaved: readonly string[], { from, to }: { readonly from: string; readonly to: string }): readonly string[] {
  return unsaved.filter((path) => isAtOrBelow(path, to) && !isAtOrBelow(path, from));
}
