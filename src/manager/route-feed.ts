import type { FastifyInstance } from "fastify";
import { wakeGrantLifetimeSeconds } from "#contract/grant.ts";
import { followRoutes, type RouteFeedEvent } from "#contract/internal/manager.ts";
import type { Fleet } from "#core/nodes/fleet.ts";
import type { RouteChanges, RouteStore } from "#core/routes/route-store.ts";
import { routeOf } from "#core/sites/site-spec.ts";
import { steadyNow } from "#kit/clock.ts";
import type { GrantSigner } from "#kit/grant.ts";
import type { Hints } from "#kit/hints.ts";
import { eventStream } from "#kit/http/event-stream.ts";
import { type Guard, mount } from "#kit/http/mount.ts";
import type { RouterRoll } from "./router-roll.ts";

/** What the feed needs. */
export interface RouteFeedDeps {
  readonly guard: Guard<unknown>;
  readonly routes: RouteStore;
  readonly signer: GrantSigner;
  readonly sitesDomain: string;
  /** Where the orchestrators are, told to routers; a change of that wakes `hints` too. */
  readonly fleet: Pick<Fleet, "urlOf" | "addresses">;
  /** Hears of routers that come and go. */
  readonly routers: RouterRoll;
  /** Woken with the key `routes` at each change. */
  readonly hints: Hints;
}

const heartbeatMs = 10_000;
const grantEveryMs = 60 * 60 * 1000;

/** Serves the route table to routers: a snapshot, then each change as it is committed. */
export function mountRouteFeed(app: FastifyInstance, deps: RouteFeedDeps): void {
  mount({ app, guard: deps.guard }, followRoutes, async ({ signal, query }) => {
    deps.routers.follow(query, signal);
    return eventStream(feed(deps, signal), signal);
  });
}

async function* feed(deps: RouteFeedDeps, signal: AbortSignal): AsyncGenerator<RouteFeedEvent> {
  const snapshot = await deps.routes.snapshot();
  let { version } = snapshot;
  let told = whereabouts(deps);
  yield { type: "snapshot", version, routes: routesOf(deps, snapshot), grant: await grantOf(deps), ...told };
  let grantDueAt = steadyNow() + grantEveryMs;
  let saidAt = steadyNow();
  while (!signal.aborted) {
    const news = deps.hints.wait("routes", { maxMs: heartbeatMs / 2, signal });
    const changes = await deps.routes.since(version);
    const now = whereabouts(deps);
    // Before any route that names it: a router can do nothing with an orchestrator that it cannot find.
    const isGrantDue = steadyNow() > grantDueAt || JSON.stringify(now) !== JSON.stringify(told);
    const event = await nextEvent(deps, { changes, version, isGrantDue, isQuiet: steadyNow() - saidAt >= heartbeatMs });
    if (event === null) {
      await news;
      continue;
    }
    yield event;
    saidAt = steadyNow();
    if (event.type === "change") version = changes.version;
    if (event.type !== "grant") continue;
    grantDueAt = steadyNow() + grantEveryMs;
    told = now;
  }
}

async function nextEvent(
  deps: RouteFeedDeps,
  now: { readonly changes: RouteChanges; readonly version: number; readonly isGrantDue: boolean; readonly isQuiet: boolean },
): Promise<RouteFeedEvent | null> {
  const { changes } = now;
  if (now.isGrantDue) return { type: "grant", grant: await grantOf(deps), ...whereabouts(deps) };
  if (changes.version > now.version) return { type: "change", version: changes.version, upserts: routesOf(deps, changes), removed: [...changes.removed] };
  return now.isQuiet ? { type: "heartbeat" } : null;
}

function whereabouts({ fleet }: RouteFeedDeps) {
  return { orchestrator: fleet.urlOf(null), nodes: { ...fleet.addresses() } };
}

function routesOf(deps: RouteFeedDeps, changes: RouteChanges) {
  return changes.upserts.map((site) => routeOf(site, deps.sitesDomain));
}

/** Good for a day and for nothing but waking, putting to sleep and adding to logs: sites answer while the manager is away. */
function grantOf(deps: RouteFeedDeps): Promise<string> {
  return deps.signer.sign({ aud: "orchestrator", sub: "router", site: "*", verbs: ["site.wake", "site.sleep", "site.report"] }, wakeGrantLifetimeSeconds);
}
