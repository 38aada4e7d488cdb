import type { Failure } from "#contract/failure.ts";
import type { SiteRoute } from "#contract/site-spec.ts";
import type { Arrival } from "../front/arrival.ts";
import type { SiteGate } from "../gate/site-gate.ts";
import type { RouterMetrics } from "../metrics.ts";
import type { Forwarding } from "./forwarding.ts";
import type { ResponseHead } from "./response-head.ts";

/** A visitor's request to a dynamic site. */
export interface ProxyVisit {
  readonly arrival: Arrival;
  readonly route: SiteRoute;
  readonly forwarding: Forwarding;
  /** Changes the answer's headers on their way to the visitor; null: they go as they are. */
  readonly dress: ((head: ResponseHead) => string[]) | null;
}

/** How long things may take, in milliseconds. */
export interface ProxyLimits {
  readonly uploadStallMs: number;
  readonly responseHeadMs: number;
  readonly idleMs: number;
}

/** What every proxied request shares. */
export interface ProxyDeps {
  /** The site's gate as it is now. To be asked for anew after each wait outside of it: a gate where nobody is gets forgotten, and is looked after no more. */
  readonly gateOf: (siteId: number) => SiteGate;
  readonly limits: ProxyLimits;
  readonly metrics: RouterMetrics;
  /** By the clock that the gates go by. */
  readonly now: () => number;
  /** Whether a request counts as a visit, which keeps a site awake. Costs a little: asked only when it matters. */
  readonly isVisit: (visit: ProxyVisit) => boolean;
  /** Tells the visitor what went wrong. */
  readonly sendFailure: (arrival: Arrival, failure: Failure) => void;
}
