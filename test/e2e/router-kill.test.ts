import { existsSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import type { RunningService } from "#kit/lifecycle.ts";
import { type RouterChild, startRouterChild } from "../support/router-child.ts";
import { aRoute, putFile, type RouterHarness, startRouter, visit } from "../support/router-harness.ts";
import { freePort, startProgram, until } from "../support/site-program.ts";

const pages = aRoute({ siteId: 7, name: "pages", kind: "static" });
const app = aRoute({ siteId: 8, name: "app", idleSeconds: 600 });

/** A router in a process of its own, at a port that it keeps when it is started again. */
async function startApart(
  environment: Readonly<Record<string, string>> = {},
): Promise<{ readonly router: RouterHarness; readonly restartAfterKill: () => Promise<void> }> {
  const children: RouterChild[] = [];
  const launch = async (own: Readonly<Record<string, string>>): Promise<RunningService> => {
    const child = await startRouterChild(own);
    children.push(child);
    return child;
  };
  const port = String(await freePort());
  const router = await startRouter({ routes: [pages, app], environment: { BACKLOT_ROUTER_PORT: port, ...environment }, launch });
  return { router, restartAfterKill: () => router.restart(async () => children.at(-1)?.kill()) };
}

test("killed and started again while nobody else is there, the router serves files; once the orchestrator is back it wakes sites", async () => {
  await using program = await startProgram((_req, res) => res.end("awake"));
  const { router, restartAfterKill } = await startApart({ BACKLOT_ROUTER_AWAY_MS: "200" });
  await using _ = router;
  router.orchestrator.onWake = () => ({ address: program.address, instance: "one" });
  await putFile(router, 7, "public/index.html", "still here");
  expect((await visit(router.door, { host: "app.localhost" })).text).toBe("awake");
  await router.manager.stop();
  await restartAfterKill();
  expect((await visit(router.door, { host: "pages.localhost" })).text).toBe("still here");
  // The program has been running all the time; the wake-up only tells where.
  expect((await visit(router.door, { host: "app.localhost" })).text).toBe("awake");
  await router.orchestrator.stop();
  await restartAfterKill();
  expect((await visit(router.door, { host: "pages.localhost" })).text).toBe("still here");
  expect((await visit(router.door, { host: "app.localhost" })).status).toBe(503);
});

test("killed ten times while routes change, it always comes back with routes, and then with the latest", async () => {
  const { router, restartAfterKill } = await startApart();
  await using _ = router;
  await putFile(router, 7, "public/index.html", "here");
  await until(() => existsSync(path.join(router.data, "router/routes.json")), "the first snapshot is on disk");
  for (let round = 0; round < 10; round += 1) {
    for (let change = 0; change < 20; change += 1) router.manager.upsert(aRoute({ siteId: 100 + change, name: `site-${round}-${change}`, kind: "static" }));
    await restartAfterKill();
    // From the snapshot on disk, before the feed has said anything.
    expect((await visit(router.door, { host: "pages.localhost" })).text).toBe("here");
    await router.settled();
    const { text } = await visit(router.door, { host: `site-${round}-19.localhost` });
    expect(JSON.parse(text).code).toBe("not_found");
    expect((await visit(router.door, { host: `site-${round - 1}-19.localhost` })).text).toContain("host_unknown");
  }
});
