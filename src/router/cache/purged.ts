import type { PurgeRequest } from "#contract/site-cache.ts";
import { splitQuery } from "../front/request-target.ts";
import type { Page } from "./page.ts";

/** Whether a page is among those that are to go. Pure. */
export function isPurged(page: Pick<Page, "path" | "tags">, { path, prefix, tag }: PurgeRequest): boolean {
  if (tag !== undefined) return page.tags.includes(tag);
  if (prefix !== undefined) return page.path.startsWith(prefix);
  // A path without a query means it with any.
  return path === undefined || page.path === path || splitQuery(page.path).path === path;
}
