import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Failure } from "#contract/failure.ts";
import type { SiteRoute } from "#contract/site-spec.ts";
import type { SiteGate } from "../gate/site-gate.ts";
import type { RouterMetrics } from "../metrics.ts";

/** A visitor's request to a dynamic site. */
export interface ProxyVisit {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly route: SiteRoute;
  readonly gate: SiteGate;
  /** The visited host, lower case, without its port. */
  readonly host: string;
  /** Path and query as they came. */
  readonly target: string;
  /** Header lines that tell the site who asks. */
  readonly forwarding: string;
  /** The visitor waits for 100 before it sends the body. */
  readonly expectsContinue: boolean;
  /** The visitor asks for another protocol, WebSocket mostly. */
  readonly upgrade: { readonly protocol: string; readonly socket: Duplex; readonly head: Buffer } | null;
  /** Whether the request counts as a visit, which keeps a site awake. Costs a little: asked only when it matters. */
  readonly isVisit: () => boolean;
}

/** How long things may take, in milliseconds. */
export interface ProxyLimits {
  readonly uploadStallMs: number;
  readonly responseHeadMs: number;
  readonly idleMs: number;
}

/** What every proxied request shares. */
export interface ProxyDeps {
  readonly limits: ProxyLimits;
  readonly metrics: RouterMetrics;
  readonly now: () => number;
  /** Tells the visitor what went wrong. */
  readonly sendFailure: (visit: ProxyVisit, failure: Failure) => void;
}
