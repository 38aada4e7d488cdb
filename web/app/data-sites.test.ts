import { MutationObserver, QueryObserver } from "@tanstack/react-query";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createMockWorld } from "../dev/mock-world.ts";
import { siteKey, siteUpdate } from "./data-sites.ts";
import { queryClient } from "./query-client.ts";

const patience = { timeout: 20_000 };
const robotics = () => {
  const site = createMockWorld().sites.get("robotics")?.view;
  if (site === undefined) throw new Error("the mock has lost its robotics site");
  return site;
};

/** Every request waits until it is answered, as often as it is asked. */
type Asked = { readonly method: string; readonly answer: (body: unknown) => void };
let asked: Asked[];
const stop: (() => void)[] = [];

beforeEach(() => {
  asked = [];
  vi.stubGlobal("fetch", (_url: string, init: RequestInit = {}) => {
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    init.signal?.addEventListener("abort", () => reject(init.signal?.reason));
    asked.push({ method: init.method ?? "GET", answer: (body) => resolve(Response.json(body)) });
    return promise;
  });
});
afterEach(() => {
  for (const end of stop.splice(0)) end();
  queryClient.clear();
  vi.unstubAllGlobals();
});

/** A page that shows the site, and asks for it again by its own code. */
function shown(name: string): void {
  const observer = new QueryObserver(queryClient, { queryKey: siteKey(name), queryFn: ({ signal }) => fetch("/", { signal }).then((each) => each.json()) });
  stop.push(observer.subscribe(() => undefined));
}
const saved = () => queryClient.getQueryData(siteKey("robotics"));

test("an answer that was asked for before a site was saved does not come after it", async () => {
  const old = robotics();
  const changed = { ...old, description: "New words" };
  queryClient.setQueryData(siteKey("robotics"), old);
  shown("robotics");
  void queryClient.invalidateQueries({ queryKey: siteKey("robotics") });
  await vi.waitFor(() => expect(asked).toHaveLength(1), patience);
  const update = new MutationObserver(queryClient, siteUpdate("robotics")).mutate({ description: "New words" });
  await vi.waitFor(() => expect(asked).toHaveLength(2), patience);
  const [before, saving] = asked;
  expect(saving?.method).toBe("PATCH");
  saving?.answer({ site: changed, operation: null });
  await update;
  before?.answer(old);
  await vi.waitFor(() => expect(queryClient.isFetching({ queryKey: siteKey("robotics"), exact: true })).toBe(0), patience);
  expect(saved()).toEqual(changed);
});

test("the variables go with a site to its new name, so that a form of them stays", async () => {
  const old = robotics();
  const environment = { environment: { KEY: "value" }, version: '"1"' };
  queryClient.setQueryData(siteKey("robotics"), old);
  queryClient.setQueryData([...siteKey("robotics"), "environment"], environment);
  const update = new MutationObserver(queryClient, siteUpdate("robotics")).mutate({ name: "robots" });
  await vi.waitFor(() => expect(asked).toHaveLength(1), patience);
  asked[0]?.answer({ site: { ...old, name: "robots" }, operation: null });
  await update;
  expect(queryClient.getQueryData([...siteKey("robots"), "environment"])).toEqual(environment);
  expect(queryClient.getQueryData(siteKey("robots"))).toMatchObject({ name: "robots" });
});
