import type { NoteDeed } from "../deeds/doer.ts";
import type { Histories } from "../history/histories.ts";
import type { QuotaBook } from "./quota-book.ts";
import type { SiteShelf } from "./site-shelf.ts";

/** What changing files needs. */
export interface ChangesDeps {
  readonly sites: SiteShelf;
  readonly quota: QuotaBook;
  readonly history: Histories;
  /** Every call here that ends somebody's data says so: whichever door it came through. */
  readonly note: NoteDeed;
}
