import type { IncomingMessage, ServerResponse } from "node:http";
import type { BlockList, Socket } from "node:net";
import path from "node:path";
import type { Duplex } from "node:stream";
import { Failure } from "#contract/failure.ts";
import { siteFolder } from "#contract/site.ts";
import type { SiteRoute } from "#contract/site-spec.ts";
import { steadyNow } from "#kit/clock.ts";
import { responseToUpgrade } from "#kit/http/upgrade-response.ts";
import type { Log } from "#kit/log.ts";
import type { PageCache } from "../cache/page-cache.ts";
import type { SiteGates } from "../gate/site-gates.ts";
import { asleepFailure, isVisit } from "../gate/waking-visit.ts";
import type { RouterMetrics } from "../metrics.ts";
import { sendFailure } from "../pages/send-failure.ts";
import { Exchange } from "../proxy/exchange.ts";
import { type Forwarding, forwardingBy, isTrusted, plainAddress, relayedForwarding } from "../proxy/forwarding.ts";
import type { ProxyDeps, ProxyLimits, ProxyVisit } from "../proxy/proxy-visit.ts";
import type { RouteTable } from "../routes/route-table.ts";
import type { StaticServer } from "../static/serve-static.ts";
import type { TrafficBook } from "../traffic/traffic-book.ts";
import type { Arrival } from "./arrival.ts";
import { parsePathForm, pathFormLocation } from "./path-form.ts";
import { onlyHost, parseTarget, splitQuery } from "./request-target.ts";
import type { TroubleReport } from "./trouble-report.ts";

/** What the front needs. */
export interface FrontOptions {
  readonly table: RouteTable;
  /** Whether the table was ever filled, by the manager or from disk. */
  readonly hasRoutes: () => boolean;
  readonly gates: SiteGates;
  readonly files: StaticServer;
  readonly pages: PageCache;
  readonly metrics: RouterMetrics;
  readonly log: Log;
  readonly limits: ProxyLimits;
  /** Folder that holds the sites' folders. */
  readonly sitesFolder: string;
  readonly sitesDomain: string;
  /** Where people reach the dashboard, for links on error pages. */
  readonly dashboardUrl: string | undefined;
  readonly trustedProxies: BlockList | null;
  /** All requests come from the balancer on this machine. It is told of those that it could not bring to an address, by `address:port`, and again when they have ended. */
  readonly relay?: { fell(key: string): () => void } | undefined;
  /** Counts what is answered here; absent where somebody else does. */
  readonly traffic?: TrafficBook;
  /** Told what visitors got instead of an answer, for the sites' logs. */
  readonly troubles: TroubleReport;
}

/** Where every visitor's request arrives: it goes to a static site's files, to a dynamic site's program, or gets a page that says why not. */
export class Front {
  readonly #options: FrontOptions;
  readonly #proxy: ProxyDeps;
  /** Who asks, by connection: the same for each of its requests. */
  readonly #forwarding = new WeakMap<Duplex, Forwarding>();
  readonly #folders = new Map<number, string>();
  /** Bytes of each connection that were counted to a request already. */
  readonly #counted = new WeakMap<Socket, number>();

  constructor(options: FrontOptions) {
    this.#options = options;
    this.#proxy = {
      limits: options.limits,
      gateOf: (siteId) => options.gates.of(siteId),
      metrics: options.metrics,
      now: steadyNow,
      isVisit: ({ arrival, route }) => isVisit(factsOf(arrival), route.botsWake),
      sendFailure: (arrival, failure) => this.#refuseSafely(arrival, failure),
    };
  }

  /** An ordinary request. */
  readonly request = (req: IncomingMessage, res: ServerResponse): void => {
    this.#serve({ req, res, expectsContinue: false, upgrade: null, host: "", target: "", siteId: null, failure: null, onClose: null });
  };

  /** A request that asks for 100 before it sends its body. */
  readonly checkContinue = (req: IncomingMessage, res: ServerResponse): void => {
    this.#serve({ req, res, expectsContinue: true, upgrade: null, host: "", target: "", siteId: null, failure: null, onClose: null });
  };

  /** A request for another protocol. Answers that are none, such as error pages, are ordinary ones. */
  readonly upgrade = (req: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const res = responseToUpgrade({ request: req, socket });
    if (res === null) return;
    const upgrade = { protocol: req.headers.upgrade ?? "", socket, head };
    this.#serve({ req, res, expectsContinue: false, upgrade, host: "", target: "", siteId: null, failure: null, onClose: null });
  };

  #serve(arrival: Arrival): void {
    const { metrics, log } = this.#options;
    metrics.requests += 1;
    metrics.inFlight += 1;
    const startedAt = log.isLevelEnabled("debug") ? performance.now() : 0;
    const fallenFrom = arrival.req.headers["x-backlot-address"];
    const hasEnded = typeof fallenFrom === "string" ? this.#options.relay?.fell(fallenFrom) : undefined;
    arrival.res.on("close", () => {
      hasEnded?.();
      metrics.inFlight -= 1;
      arrival.onClose?.();
      this.#count(arrival);
      this.#report(arrival);
      if (startedAt > 0) this.#logRequest(arrival, startedAt);
    });
    try {
      this.#route(arrival);
    } catch (error) {
      if (!(error instanceof Failure)) log.error({ err: error, host: arrival.host }, "request failed unexpectedly");
      this.#refuseSafely(arrival, error instanceof Failure ? error : new Failure("internal", { requestId: "router" }, { cause: error }));
    }
  }

  #route(arrival: Arrival): void {
    const { req } = arrival;
    const { host, target } = parseTarget(req.url ?? "/", onlyHost(req.rawHeaders));
    arrival.host = host;
    arrival.target = target;
    const route = this.#options.table.byHost(host);
    arrival.siteId = route?.siteId ?? null;
    if (route === undefined) this.#withoutSite(arrival);
    else if (route.availability !== "enabled") throw new Failure(route.availability === "disabled" ? "site_closed" : "site_not_served");
    else if (route.kind === "static") this.#serveFiles(arrival, route);
    else this.#forward(arrival, route);
  }

  #forward(arrival: Arrival, route: SiteRoute): void {
    const visit: ProxyVisit = { arrival, route, forwarding: this.#forwardingOf(arrival.req), dress: null };
    if (route.cache === null) this.#pass(visit);
    else this.#options.pages.serve(visit, this.#proxy, this.#pass);
  }

  readonly #pass = (visit: ProxyVisit): void => {
    const exchange = new Exchange(this.#proxy, visit);
    if (this.#proxy.gateOf(visit.route.siteId).wouldWake && !this.#proxy.isVisit(visit)) this.#refuseVisit(visit.arrival);
    else exchange.begin();
  };

  #serveFiles({ req, res, target }: Arrival, { siteId }: SiteRoute): void {
    let root = this.#folders.get(siteId);
    if (root === undefined) {
      root = path.join(this.#options.sitesFolder, siteFolder(siteId));
      this.#folders.set(siteId, root);
    }
    this.#options.files.serve({ req, res, siteId, root, ...splitQuery(target) });
  }

  // Something that is no visit does not wake a site; it is told to come back.
  #refuseVisit({ req, res, target }: Arrival): void {
    if (splitQuery(target).path !== "/favicon.ico") throw asleepFailure();
    this.#options.metrics.refusedVisits += 1;
    res.writeHead(204, { "Cache-Control": "no-store" });
    res.end();
    req.resume();
  }

  #withoutSite({ req, res, host, target }: Arrival): void {
    const { sitesDomain, table, hasRoutes } = this.#options;
    // Nobody's site is gone because this router does not know any yet.
    if (!hasRoutes()) throw new Failure("not_ready");
    const form = host === sitesDomain ? parsePathForm(target) : null;
    const siteHost = form === null ? undefined : table.byName(form.name)?.hosts[0];
    if (form === null || siteHost === undefined) throw new Failure("host_unknown", { host: host.slice(0, 255) });
    const { scheme } = this.#forwardingOf(req);
    // Not a permanent redirect: browsers would remember it when the name belongs to another site.
    res.writeHead(307, { Location: pathFormLocation(form, siteHost, { scheme, hostHeader: req.headers.host ?? "" }), "Content-Length": 0 });
    res.end();
    req.resume();
  }

  #forwardingOf(req: IncomingMessage): Forwarding {
    const known = this.#forwarding.get(req.socket);
    if (known !== undefined) return known;
    if (this.#options.relay !== undefined) {
      const { "x-forwarded-for": forwardedFor, "x-forwarded-proto": forwardedProto, "x-real-ip": realAddress } = req.headers;
      return relayedForwarding({ forwardedFor: oneOf(forwardedFor), forwardedProto: oneOf(forwardedProto), realAddress: oneOf(realAddress) });
    }
    const peer = plainAddress(req.socket.remoteAddress);
    if (isTrusted(this.#options.trustedProxies, peer)) {
      const { "x-forwarded-for": forwardedFor, "x-forwarded-proto": forwardedProto } = req.headers;
      return forwardingBy(peer, { forwardedFor: oneOf(forwardedFor), forwardedProto: oneOf(forwardedProto) });
    }
    const forwarding = forwardingBy(peer, null);
    this.#forwarding.set(req.socket, forwarding);
    return forwarding;
  }

  // By what the connection has sent since the request before: a response itself does not know its length, and a tunnel is none.
  #count({ req, res, siteId }: Arrival): void {
    const { traffic } = this.#options;
    if (traffic === undefined) return;
    const sent = req.socket.bytesWritten;
    const bytes = sent - (this.#counted.get(req.socket) ?? 0);
    this.#counted.set(req.socket, sent);
    if (siteId !== null) traffic.note(siteId, { status: res.statusCode, bytes });
  }

  #report({ req, res, siteId, target, failure }: Arrival): void {
    if (siteId === null || (res.statusCode < 500 && failure?.code !== "site_unreachable")) return;
    this.#options.troubles.note(siteId, { method: req.method ?? "GET", path: splitQuery(target).path, status: res.statusCode, failure });
  }

  // Nobody catches what is thrown from here: it would end the router and everybody's visits.
  #refuseSafely(arrival: Arrival, failure: Failure): void {
    try {
      this.#refuse(arrival, failure);
    } catch (err) {
      this.#options.log.error({ err, host: arrival.host }, "a request could not even be refused");
      arrival.req.socket.destroy();
    }
  }

  #refuse(arrival: Arrival, failure: Failure): void {
    const { req, res } = arrival;
    arrival.failure = failure;
    const { dashboardUrl, metrics } = this.#options;
    if (failure.code === "site_asleep") metrics.refusedVisits += 1;
    const link = dashboardUrl === undefined ? undefined : { href: dashboardUrl, text: "Open the dashboard" };
    const headers = failure.code === "method_not_allowed" ? { Allow: "GET, HEAD" } : {};
    sendFailure(req, res, { failure, link, headers });
  }

  #logRequest({ req, res, host }: Arrival, startedAt: number): void {
    const ms = Math.round((performance.now() - startedAt) * 10) / 10;
    this.#options.log.debug({ method: req.method, host, url: req.url, status: res.statusCode, ms }, "request");
  }
}

function factsOf({ req, target }: Arrival): Parameters<typeof isVisit>[0] {
  const purpose = req.headers["sec-purpose"] ?? req.headers.purpose;
  return { method: req.method ?? "GET", path: splitQuery(target).path, userAgent: req.headers["user-agent"], purpose: oneOf(purpose) };
}

function oneOf(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(", ") : header;
}
