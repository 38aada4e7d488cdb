import type { PurgeRequest } from "#contract/site-cache.ts";
import type { HeaderOf, ShelfTerms } from "./memory-pages.ts";
import type { Page } from "./page.ts";

/** Who may ask a site's program for a page, of all routers. */
export type Claim = "mine" | "another" | "unknown";

/** Pages that several routers share. Whatever becomes of them, nothing is lost: every call ends soon, and without an error. */
export interface SharedPages {
  /** Whether it is worth asking. */
  readonly isThere: boolean;
  readonly state: "connected" | "away";
  /** The page for such a request; undefined too when it cannot be had in time. */
  find(siteId: number, terms: ShelfTerms, asked: { readonly key: string; readonly headerOf: HeaderOf }): Promise<Page | undefined>;
  /** Keeps a page for the others, if that can be done. */
  keep(siteId: number, terms: ShelfTerms, page: Page): Promise<void>;
  /** Reserves asking the program for a page for a short time. */
  claim(key: string): Promise<Claim>;
  /** Whether somebody has reserved it. */
  isClaimed(key: string): Promise<boolean>;
  /** Ends a reservation of one's own. */
  release(key: string): Promise<void>;
  /** Forgets pages of a site; gives how many, or null when it is not sure that all are gone. */
  forget(siteId: number, asked: PurgeRequest): Promise<number | null>;
  close(): Promise<void>;
}
