import { setTimeout as delay } from "node:timers/promises";
import type { FastifyInstance } from "fastify";
import type { GrantClaims } from "#contract/grant.ts";
import { awaitRoutes, holdSite, purgePages, readPages, readTrafficPoints, releaseSite, switchSite } from "#contract/internal/router.ts";
import { type Guard, mount } from "#kit/http/mount.ts";
import type { PageCache } from "./cache/page-cache.ts";
import type { SiteEdge } from "./gate/site-edge.ts";
import type { SiteGates } from "./gate/site-gates.ts";
import type { RouteTable } from "./routes/route-table.ts";
import type { TrafficBook } from "./traffic/traffic-book.ts";

const awaitMs = 5000;

/** Serves the endpoints by which the manager and the worker steer traffic. */
export function mountAdmin(
  app: FastifyInstance,
  guard: Guard<GrantClaims>,
  deps: {
    readonly table: RouteTable;
    readonly gates: SiteGates;
    readonly pages: PageCache;
    readonly traffic: TrafficBook;
    readonly edge: SiteEdge | undefined;
  },
): void {
  const { table, gates, pages, traffic, edge } = deps;
  mount({ app, guard }, purgePages, async ({ params, body }) => pages.purge(params.siteId, body));
  mount({ app, guard }, readPages, async ({ params }) => pages.report(params.siteId));
  mount({ app, guard }, readTrafficPoints, async ({ params, query }) => ({ points: [...traffic.points(params.siteId, query.range)] }));
  mount({ app, guard }, awaitRoutes, async ({ body }) => {
    const version = await table.whenVersion(body.version, awaitMs);
    // A site that was closed is closed when the balancer says so too.
    const isPlaced = edge === undefined || (await Promise.race([edge.settled().then(() => true), delay(awaitMs, false, { ref: false })]));
    return { version: isPlaced ? version : Math.min(version, body.version - 1) };
  });
  mount({ app, guard }, holdSite, async ({ params, body }) => {
    const gate = gates.of(params.siteId);
    gate.hold();
    return { inFlight: await gate.drained(body.drainMs) };
  });
  mount({ app, guard }, releaseSite, async ({ params, body }) => {
    gates.of(params.siteId).release(gates.permitted(params.siteId, body.target));
    return undefined;
  });
  mount({ app, guard }, switchSite, async ({ params, body }) => {
    const gate = gates.of(params.siteId);
    gate.switchTo(gates.permitted(params.siteId, body.target));
    return { inFlight: await gate.drained(body.drainMs, gate.target ?? undefined) };
  });
}
