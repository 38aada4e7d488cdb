import { routerEndpoints } from "#contract/internal/router.ts";
import type { ClusterKey } from "#kit/cluster-key.ts";
import { type FakeComponent, startFakeComponent } from "./fake-component.ts";

/** A router without visitors: it always has the newest routes, and nothing is ever in flight. */
export function startFakeRouter(key: ClusterKey, port?: number): Promise<FakeComponent> {
  return startFakeComponent({
    audience: "router",
    key,
    ...(port === undefined ? {} : { port }),
    endpoints: routerEndpoints,
    handlers: {
      "routes.await": async (call) => ({ version: (call.body as unknown as { version: number }).version }),
      "routes.hold": async () => ({ inFlight: 0 }),
      "routes.switch": async () => ({ inFlight: 0 }),
      // Three requests in this hour, whichever minute or hour is asked for.
      "traffic.points": async () => ({
        points: [{ start: Date.now() - (Date.now() % 3_600_000), requests: 3, errors: 0, bytes: 300, hits: 0, stale: 0, misses: 0 }],
      }),
    },
  });
}
