import type { FastifyInstance } from "fastify";
import { Failure } from "#contract/failure.ts";
import type { GrantClaims } from "#contract/grant.ts";
import { leaveSite } from "#contract/internal/nodes.ts";
import {
  applySite,
  type Capabilities,
  followStatuses,
  listHeldSites,
  pushEpochs,
  readCapabilities,
  readSiteLogs,
  readSiteStatus,
  removeSite,
  reportToLog,
  retireInstances,
  sleepSite,
  startInstance,
  wakeSite,
} from "#contract/internal/orchestrator.ts";
import { claimInstances, freezeSite } from "#contract/internal/site-rest.ts";
import type { EpochTable } from "#kit/epochs.ts";
import { type Guard, mount } from "#kit/http/mount.ts";
import { streamOf } from "./answer-stream.ts";
import type { HeldSites } from "./held-sites.ts";
import { filtered, logFilter } from "./log-filter.ts";
import type { SiteRests } from "./site-rests.ts";
import type { StatusBoard } from "./status-board.ts";

export interface SitesApi {
  readonly sites: HeldSites;
  readonly board: StatusBoard;
  readonly rests: SiteRests;
  readonly epochs: EpochTable;
  readonly capabilities: { readonly now: Capabilities };
}

/** Serves the endpoints that hold, start, stop and watch sites. */
export function mountSites(app: FastifyInstance, guard: Guard<GrantClaims>, api: SitesApi): void {
  const { sites, rests } = api;
  mount({ app, guard }, applySite, async ({ params, body }) => {
    if (params.siteId !== body.siteId) throw new Failure("input_invalid", { detail: "siteId: it is not the number in the address." });
    await sites.apply(body);
    return undefined;
  });
  mount({ app, guard }, removeSite, async ({ params }) => {
    await sites.remove(params.siteId);
    return undefined;
  });
  mount({ app, guard }, leaveSite, async ({ params, body }) => {
    await sites.leave(params.siteId, body);
    return undefined;
  });
  mount({ app, guard }, listHeldSites, async () => ({ sites: [...sites.all()] }));
  // A visitor's wake waits out a back-off; one that a person asked for by the dashboard tries at once.
  mount({ app, guard }, wakeSite, async ({ params: { siteId }, query: { router }, caller }) => {
    const wake = () => sites.runnerOf(siteId).wake({ isAsked: caller.sub !== "router" });
    return router === undefined ? wake() : rests.wake(siteId, router, wake);
  });
  mount({ app, guard }, sleepSite, async ({ params: { siteId }, body: { instance, router } }) => {
    const runner = sites.runnerOf(siteId);
    return { status: (router === undefined ? undefined : await rests.sleep(siteId, { instance, router })) ?? (await runner.sleep(instance)) };
  });
  mount({ app, guard }, freezeSite, async ({ params: { siteId }, body }) => {
    const runner = sites.runnerOf(siteId);
    return { outcome: await rests.freeze(siteId, body), status: runner.status };
  });
  mount({ app, guard }, claimInstances, async ({ params, body }) => ({ lost: rests.claim(params.router, body.instances) }));
  mount({ app, guard }, startInstance, async ({ params }) => sites.runnerOf(params.siteId).startInstance(params.instance));
  mount({ app, guard }, retireInstances, async ({ params }) => {
    await sites.runnerOf(params.siteId).retireInstances();
    return undefined;
  });
  mount({ app, guard }, readSiteStatus, async ({ params }) => sites.runnerOf(params.siteId).status);
  mountStreams(app, guard, api);
  mount({ app, guard }, readCapabilities, async () => api.capabilities.now);
  mount({ app, guard }, pushEpochs, async ({ body }) => {
    api.epochs.raise(body);
    return undefined;
  });
}

function mountStreams(app: FastifyInstance, guard: Guard<GrantClaims>, { sites, board, epochs }: SitesApi): void {
  mount({ app, guard }, followStatuses, async (call) => {
    return streamOf(call, epochs, (signal) => board.follow(sites.active(), signal));
  });
  mount({ app, guard }, readSiteLogs, async (call) => {
    const log = sites.logOf(call.params.siteId);
    const { tail, follow } = call.query;
    const filter = logFilter(call.query);
    if (!follow) return filter === null ? log.tail(tail) : filter(await log.tail(tail));
    return streamOf({ ...call, siteId: call.params.siteId }, epochs, async (signal) => {
      const texts = await log.follow(tail, signal);
      return filter === null ? texts : filtered(texts, filter);
    });
  });
  mount({ app, guard }, reportToLog, async ({ params, body }) => {
    const log = sites.logOf(params.siteId);
    for (const line of body.lines) log.write("router", line);
    return undefined;
  });
}
