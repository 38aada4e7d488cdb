import { aRoute, putFile, type RouterHarness, visit } from "../../test/support/router-harness.ts";
import { quantile } from "./table.ts";

/** From the manager's word, by the real feed, until a visitor sees a new site: median and 95th of so many, in milliseconds. */
export async function routeChangeMs(router: RouterHarness, rounds = 30): Promise<readonly [number, number]> {
  const times: number[] = [];
  await putFile(router, 500_000, "public/index.html", "new");
  for (let round = 0; round < rounds; round += 1) {
    const startedAt = performance.now();
    router.manager.upsert(aRoute({ siteId: 500_000, name: `new-${round}`, kind: "static" }));
    while ((await visit(router.door, { host: `new-${round}.localhost` })).status !== 200);
    times.push(performance.now() - startedAt);
  }
  return [quantile(times, 0.5), quantile(times, 0.95)];
}
