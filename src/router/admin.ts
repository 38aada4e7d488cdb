import type { FastifyInstance } from "fastify";
import type { GrantClaims } from "#contract/grant.ts";
import { awaitRoutes, holdSite, releaseSite, switchSite } from "#contract/internal/router.ts";
import { type Guard, mount } from "#kit/http/mount.ts";
import type { SiteGates } from "./gate/site-gates.ts";
import type { RouteTable } from "./routes/route-table.ts";

const awaitMs = 5000;

/** Serves the endpoints by which the manager and the worker steer traffic. */
export function mountAdmin(app: FastifyInstance, guard: Guard<GrantClaims>, deps: { readonly table: RouteTable; readonly gates: SiteGates }): void {
  const { table, gates } = deps;
  mount({ app, guard }, awaitRoutes, async ({ body }) => ({ version: await table.whenVersion(body.version, awaitMs) }));
  mount({ app, guard }, holdSite, async ({ params, body }) => {
    const gate = gates.of(params.siteId);
    gate.hold();
    return { inFlight: await gate.drained(body.drainMs) };
  });
  mount({ app, guard }, releaseSite, async ({ params, body }) => {
    gates.of(params.siteId).release(body.target);
    return undefined;
  });
  mount({ app, guard }, switchSite, async ({ params, body }) => {
    const gate = gates.of(params.siteId);
    gate.switchTo(body.target);
    return { inFlight: await gate.drained(body.drainMs, gate.target ?? undefined) };
  });
}
