import { type IncomingMessage, ServerResponse } from "node:http";
import type { BlockList } from "node:net";
import path from "node:path";
import type { Duplex } from "node:stream";
import { Failure } from "#contract/failure.ts";
import { siteFolder } from "#contract/site.ts";
import type { SiteRoute } from "#contract/site-spec.ts";
import type { Log } from "#kit/log.ts";
import type { SiteGates } from "../gate/site-gates.ts";
import { isVisit } from "../gate/waking-visit.ts";
import type { RouterMetrics } from "../metrics.ts";
import { sendFailure } from "../pages/send-failure.ts";
import { Exchange } from "../proxy/exchange.ts";
import { forwardingLines, isTrusted, plainAddress } from "../proxy/forwarding.ts";
import type { ProxyDeps, ProxyLimits, ProxyVisit } from "../proxy/proxy-visit.ts";
import type { RouteTable } from "../routes/route-table.ts";
import type { StaticServer } from "../static/serve-static.ts";
import { parsePathForm, pathFormLocation } from "./path-form.ts";
import { parseTarget, splitQuery } from "./request-target.ts";

/** What the front needs. */
export interface FrontOptions {
  readonly table: RouteTable;
  readonly gates: SiteGates;
  readonly files: StaticServer;
  readonly metrics: RouterMetrics;
  readonly log: Log;
  readonly limits: ProxyLimits;
  /** Folder that holds the sites' folders. */
  readonly sitesFolder: string;
  readonly sitesDomain: string;
  /** Where people reach the dashboard, for links on error pages. */
  readonly dashboardUrl: string | undefined;
  readonly trustedProxies: BlockList | null;
}

interface Upgrade {
  readonly protocol: string;
  readonly socket: Duplex;
  readonly head: Buffer;
}

/** Where every visitor's request arrives: it goes to a static site's files, to a dynamic site's program, or gets a page that says why not. */
export class Front {
  readonly #options: FrontOptions;
  readonly #proxy: ProxyDeps;
  /** Header lines by connection: the same for each of its requests. */
  readonly #forwarding = new WeakMap<Duplex, string>();
  readonly #folders = new Map<number, string>();

  constructor(options: FrontOptions) {
    this.#options = options;
    this.#proxy = {
      limits: options.limits,
      metrics: options.metrics,
      now: Date.now,
      sendFailure: (visit, failure) => this.#refuse(visit.req, visit.res, failure),
    };
  }

  /** An ordinary request. */
  readonly request = (req: IncomingMessage, res: ServerResponse): void => this.#serve(req, res, false, null);

  /** A request that asks for 100 before it sends its body. */
  readonly checkContinue = (req: IncomingMessage, res: ServerResponse): void => this.#serve(req, res, true, null);

  /** A request for another protocol. Answers that are none, such as error pages, are ordinary ones. */
  readonly upgrade = (req: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const res = new ServerResponse(req);
    res.shouldKeepAlive = false;
    // Node gives a net.Socket or a TLSSocket here.
    res.assignSocket(socket as never);
    // Without a listener the error of a visitor who vanishes would end the process.
    socket.on("error", () => socket.destroy());
    res.on("finish", () => socket.end());
    this.#serve(req, res, false, { protocol: req.headers.upgrade ?? "", socket, head });
  };

  #serve(req: IncomingMessage, res: ServerResponse, expectsContinue: boolean, upgrade: Upgrade | null): void {
    const { metrics, log } = this.#options;
    metrics.requests += 1;
    metrics.inFlight += 1;
    const startedAt = log.isLevelEnabled("debug") ? performance.now() : 0;
    res.on("close", () => {
      metrics.inFlight -= 1;
      if (startedAt > 0)
        log.debug({ method: req.method, host: req.headers.host, url: req.url, status: res.statusCode, ms: performance.now() - startedAt }, "request");
    });
    try {
      this.#route(req, res, expectsContinue, upgrade);
    } catch (error) {
      if (error instanceof Failure) {
        this.#refuse(req, res, error);
        return;
      }
      log.error({ err: error, host: req.headers.host }, "request failed unexpectedly");
      this.#refuse(req, res, new Failure("internal", { requestId: "router" }));
    }
  }

  #route(req: IncomingMessage, res: ServerResponse, expectsContinue: boolean, upgrade: Upgrade | null): void {
    const { table } = this.#options;
    const { host, target } = parseTarget(req.url ?? "/", req.headers.host);
    const route = table.byHost(host);
    if (route === undefined) {
      this.#withoutSite(req, res, host, target);
      return;
    }
    if (route.availability !== "enabled") throw new Failure(route.availability === "disabled" ? "site_closed" : "site_not_served");
    if (route.kind === "static") {
      this.#serveFiles(req, res, route, target);
      return;
    }
    const gate = this.#options.gates.of(route.siteId);
    const isVisitNow = (): boolean => isVisit(factsOf(req, target, upgrade !== null), route.botsWake);
    const forwarding = this.#forwardingOf(req);
    const visit: ProxyVisit = { req, res, route, gate, host, target, forwarding, expectsContinue, upgrade, isVisit: isVisitNow };
    const exchange = new Exchange(this.#proxy, visit);
    if (gate.wouldWake && !isVisitNow()) {
      this.#refuseVisit(req, res, target);
      return;
    }
    exchange.begin();
  }

  #serveFiles(req: IncomingMessage, res: ServerResponse, route: SiteRoute, target: string): void {
    const { siteId } = route;
    let root = this.#folders.get(siteId);
    if (root === undefined) {
      root = path.join(this.#options.sitesFolder, siteFolder(siteId));
      this.#folders.set(siteId, root);
    }
    this.#options.files.serve({ req, res, siteId, root, ...splitQuery(target) });
  }

  // Something that is no visit does not wake a site; it is told to come back.
  #refuseVisit(req: IncomingMessage, res: ServerResponse, target: string): void {
    this.#options.metrics.refusedVisits += 1;
    if (splitQuery(target).path !== "/favicon.ico") throw new Failure("site_asleep", { retryAfterSeconds: 3600 });
    res.writeHead(204, { "Cache-Control": "no-store" });
    res.end();
    req.resume();
  }

  #withoutSite(req: IncomingMessage, res: ServerResponse, host: string, target: string): void {
    const { sitesDomain, table } = this.#options;
    const form = host === sitesDomain ? parsePathForm(target) : null;
    const siteHost = form === null ? undefined : table.byName(form.name)?.hosts[0];
    if (form === null || siteHost === undefined) throw new Failure("host_unknown", { host: host.slice(0, 255) });
    const scheme = this.#forwardingOf(req).includes("X-Forwarded-Proto: https") ? "https" : "http";
    // Not a permanent redirect: browsers would remember it when the name belongs to another site.
    res.writeHead(307, { Location: pathFormLocation(form, siteHost, { scheme, hostHeader: req.headers.host ?? "" }), "Content-Length": 0 });
    res.end();
    req.resume();
  }

  #forwardingOf(req: IncomingMessage): string {
    const known = this.#forwarding.get(req.socket);
    if (known !== undefined) return known;
    const peer = plainAddress(req.socket.remoteAddress);
    if (isTrusted(this.#options.trustedProxies, peer)) {
      const { "x-forwarded-for": forwardedFor, "x-forwarded-proto": forwardedProto } = req.headers;
      return forwardingLines(peer, { forwardedFor: oneOf(forwardedFor), forwardedProto: oneOf(forwardedProto) });
    }
    const lines = forwardingLines(peer, null);
    this.#forwarding.set(req.socket, lines);
    return lines;
  }

  #refuse(req: IncomingMessage, res: ServerResponse, failure: Failure): void {
    const { dashboardUrl } = this.#options;
    const link = dashboardUrl === undefined ? undefined : { href: dashboardUrl, text: "Open the dashboard" };
    const headers = failure.code === "method_not_allowed" ? { Allow: "GET, HEAD" } : {};
    sendFailure(req, res, { failure, link, headers });
  }
}

function factsOf(req: IncomingMessage, target: string, isUpgrade: boolean): Parameters<typeof isVisit>[0] {
  const purpose = req.headers["sec-purpose"] ?? req.headers.purpose;
  return { method: req.method ?? "GET", path: splitQuery(target).path, userAgent: req.headers["user-agent"], purpose: oneOf(purpose), isUpgrade };
}

function oneOf(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(", ") : header;
}
