import type { FastifyInstance } from "fastify";
import * as api from "#contract/api/traffic.ts";
import { readTrafficPoints } from "#contract/internal/router.ts";
import { trafficSteps } from "#contract/site-traffic.ts";
import { askRouters } from "#core/routes/ask-routers.ts";
import { sumTraffic } from "#core/routes/sum-traffic.ts";
import type { ComponentClient } from "#kit/component-client.ts";
import { mount } from "#kit/http/mount.ts";
import type { personGuards } from "./person-guard.ts";

/** What the endpoint of sites' visitors needs. */
export interface TrafficApiDeps {
  readonly guards: ReturnType<typeof personGuards>;
  /** Clients of every router. */
  readonly pageRouters: readonly ComponentClient[];
  readonly now?: () => number;
}

/** Serves what sites' visitors asked for, as all routers together counted it. */
export function mountTraffic(app: FastifyInstance, { guards, pageRouters, now = Date.now }: TrafficApiDeps): void {
  mount({ app, guard: guards.site }, api.readTraffic, async ({ caller, query: { range } }) => {
    const params = { siteId: caller.site.id };
    const answers = await askRouters(pageRouters, (router, signal) => router.call(readTrafficPoints, { params, query: { range }, signal }));
    const counted = answers.flatMap((answer) => (answer === "away" ? [] : [answer.points]));
    const { stepSeconds } = trafficSteps[range];
    return {
      traffic: { range, stepSeconds, points: sumTraffic(counted, range, now()), routers: counted.length, away: answers.length - counted.length },
    };
  });
}
