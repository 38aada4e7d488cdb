import { setTimeout as delay } from "node:timers/promises";
import { steadyNow } from "#kit/clock.ts";
import type { Page } from "./page.ts";
import type { SharedPages } from "./shared-pages.ts";

/** What looking for a page among shared ones takes. */
export interface SharedSearchPlan {
  readonly shared: SharedPages;
  /** What is reserved while one router asks the program. */
  readonly key: string;
  readonly find: () => Promise<Page | undefined>;
  /** It is not the one that is known already. */
  readonly isNewer: (page: Page) => boolean;
  /** It can go out as it is. */
  readonly isGood: (page: Page) => boolean;
  /** The program may be asked when nothing is found. */
  readonly isWanted: () => boolean;
}

/** How long another router is waited for, and how long between two looks, in milliseconds. */
const patience = { mostMs: 5_000, firstMs: 10, longestMs: 100 };

/** A look at what other routers have kept, or are about to keep: of all routers one asks the program. A lost reservation only means a second question. */
export class SharedSearch {
  readonly #plan: SharedSearchPlan;

  constructor(plan: SharedSearchPlan) {
    this.#plan = plan;
  }

  /** The newest page that is shared, if any, and whether it can go out as it is. Without one the caller may ask the program. */
  async run(): Promise<{ readonly page: Page | undefined; readonly isGood: boolean }> {
    const { shared, key, isWanted } = this.#plan;
    const first = await this.#look();
    if (first.isGood || !isWanted() || (await shared.claim(key)) !== "another") return first;
    const deadline = steadyNow() + patience.mostMs;
    for (let pauseMs = patience.firstMs; steadyNow() < deadline; pauseMs = Math.min(pauseMs * 1.5, patience.longestMs)) {
      await delay(pauseMs);
      const found = await this.#look();
      if (found.isGood) return found;
      // The other got an answer that is for nobody else, or is gone.
      if (!(await shared.isClaimed(key))) return this.#look();
    }
    return this.#look();
  }

  async #look(): Promise<{ readonly page: Page | undefined; readonly isGood: boolean }> {
    const page = await this.#plan.find();
    if (page === undefined || !this.#plan.isNewer(page)) return { page: undefined, isGood: false };
    return { page, isGood: this.#plan.isGood(page) };
  }
}
