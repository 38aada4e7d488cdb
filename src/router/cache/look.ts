import type { RouteCache } from "#contract/site-cache.ts";
import type { ProxyDeps, ProxyVisit } from "../proxy/proxy-visit.ts";
import type { Forwarded } from "./cache-status.ts";
import type { Page } from "./page.ts";
import type { PageRequest } from "./page-request.ts";

/** Lets a request go to the program, or wake it, as if there were no cache. */
export type Pass = (visit: ProxyVisit) => void;

/** What one visitor's request needs on its way through the cache. */
export interface Look {
  readonly visit: ProxyVisit;
  readonly deps: ProxyDeps;
  readonly cache: RouteCache;
  readonly request: PageRequest;
  readonly pass: Pass;
  /** It has waited for what another asked. */
  isCollapsed: boolean;
  isCounted: boolean;
  rounds: number;
}

/** How a page is asked for. */
export interface Asking {
  readonly page: Page | undefined;
  /** In the background, for whoever comes next. */
  readonly isAlone: boolean;
  /** The program may be asked, and woken, for this one. */
  readonly isWanted: boolean;
  readonly forwarded?: Forwarded;
}
