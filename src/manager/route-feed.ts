import type { FastifyInstance } from "fastify";
import { wakeGrantLifetimeSeconds } from "#contract/grant.ts";
import { followRoutes, type RouteFeedEvent } from "#contract/internal/manager.ts";
import type { RouteChanges, RouteStore } from "#core/routes/route-store.ts";
import { routeOf } from "#core/sites/site-spec.ts";
import type { GrantSigner } from "#kit/grant.ts";
import type { Hints } from "#kit/hints.ts";
import { eventStream } from "#kit/http/event-stream.ts";
import { type Guard, mount } from "#kit/http/mount.ts";

/** What the feed needs. */
export interface RouteFeedDeps {
  readonly guard: Guard<unknown>;
  readonly routes: RouteStore;
  readonly signer: GrantSigner;
  readonly sitesDomain: string;
  /** Internal address of the orchestrator, told to routers. */
  readonly orchestratorUrl: string;
  /** Woken with the key `routes` at each change. */
  readonly hints: Hints;
}

const heartbeatMs = 10_000;
const grantEveryMs = 60 * 60 * 1000;

/** Serves the route table to routers: a snapshot, then each change as it is committed. */
export function mountRouteFeed(app: FastifyInstance, deps: RouteFeedDeps): void {
  mount({ app, guard: deps.guard }, followRoutes, async ({ signal }) => eventStream(feed(deps, signal), signal));
}

async function* feed(deps: RouteFeedDeps, signal: AbortSignal): AsyncGenerator<RouteFeedEvent> {
  const snapshot = await deps.routes.snapshot();
  let { version } = snapshot;
  yield { type: "snapshot", version, routes: routesOf(deps, snapshot), grant: await grantOf(deps), orchestrator: deps.orchestratorUrl };
  let grantDueAt = Date.now() + grantEveryMs;
  let saidAt = Date.now();
  while (!signal.aborted) {
    const news = deps.hints.wait("routes", { maxMs: heartbeatMs / 2, signal });
    const changes = await deps.routes.since(version);
    const event = await nextEvent(deps, { changes, version, isGrantDue: Date.now() > grantDueAt, isQuiet: Date.now() - saidAt >= heartbeatMs });
    if (event === null) {
      await news;
      continue;
    }
    yield event;
    saidAt = Date.now();
    version = changes.version;
    if (event.type === "grant") grantDueAt = Date.now() + grantEveryMs;
  }
}

async function nextEvent(
  deps: RouteFeedDeps,
  now: { readonly changes: RouteChanges; readonly version: number; readonly isGrantDue: boolean; readonly isQuiet: boolean },
): Promise<RouteFeedEvent | null> {
  const { changes } = now;
  if (changes.version > now.version) return { type: "change", version: changes.version, upserts: routesOf(deps, changes), removed: [...changes.removed] };
  if (now.isGrantDue) return { type: "grant", grant: await grantOf(deps), orchestrator: deps.orchestratorUrl };
  return now.isQuiet ? { type: "heartbeat" } : null;
}

function routesOf(deps: RouteFeedDeps, changes: RouteChanges) {
  return changes.upserts.map((site) => routeOf(site, deps.sitesDomain));
}

/** Good for a day and for nothing but waking, putting to sleep and adding to logs: sites answer while the manager is away. */
function grantOf(deps: RouteFeedDeps): Promise<string> {
  return deps.signer.sign({ aud: "orchestrator", sub: "router", site: "*", verbs: ["site.wake", "site.sleep", "site.report"] }, wakeGrantLifetimeSeconds);
}
