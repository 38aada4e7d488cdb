// A router with a page cache before one program whose answers the test decides.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { RouteCache } from "#contract/site-cache.ts";
import { type Ask, aRoute, type Reply, startRouter, visit } from "./router-harness.ts";
import { startProgram } from "./site-program.ts";

const cache: RouteCache = { generation: 1, defaultSeconds: 0, revalidateSeconds: 0, staleSeconds: 3600, sharesSignedIn: false, bytes: 1_000_000 };
/** The route of a site with a page cache. */
export const cachedApp = (over: Partial<RouteCache> = {}) => aRoute({ siteId: 8, name: "app", cache: { ...cache, ...over } });
/** A router before one program whose answers the test decides. */
export async function stageCached(answer: (req: IncomingMessage, res: ServerResponse, count: number) => void, over: Partial<RouteCache> = {}) {
  const stack = new AsyncDisposableStack();
  const seen: IncomingMessage[] = [];
  const program = stack.use(
    await startProgram((req, res) => {
      seen.push(req);
      answer(req, res, seen.length);
    }),
  );
  const router = stack.use(await startRouter({ routes: [cachedApp(over)] }));
  router.orchestrator.onWake = () => ({ address: program.address, instance: "one" });
  const get = (path = "/", headers: Ask["headers"] = {}, method = "GET"): Promise<Reply> =>
    visit(router.door, { host: "app.localhost", path, headers, method });
  return { router, program, seen, get, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}
