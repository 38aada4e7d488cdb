import { afterAll, beforeAll, expect, test } from "vitest";
import { readEvents } from "#contract/events.ts";
import { type ManagerBench, startManagerBench } from "../../test/support/manager-bench.ts";

let bench: ManagerBench;
const site = "/api/v1/sites/papers";

beforeAll(async () => {
  bench = await startManagerBench();
  bench.orchestrator.state.dedicates = true;
  await bench.person("ada");
  await ended((await read(await bench.request("/api/v1/sites", { method: "POST", as: "ada", json: { name: "papers", kind: "static" } }))).operation);
});
afterAll(() => bench?.[Symbol.asyncDispose]());

interface Answered {
  readonly code: string;
  readonly title: string;
  readonly site: { readonly id: number; readonly dedicated: boolean; readonly state: string };
  readonly operation: { readonly id: string; readonly steps: readonly { readonly name: string }[] };
}

async function read(response: Response): Promise<Answered> {
  return (await response.json()) as Answered;
}

async function ended({ id }: { readonly id: string }): Promise<string> {
  const response = await bench.request(`/api/v1/operations/${id}/events`, { as: "admin" });
  let state = "";
  if (response.body !== null) for await (const event of readEvents(response.body)) state = (JSON.parse(event.data) as { state: string }).state;
  return state;
}

const change = async (as: string, json: unknown): Promise<Answered> => read(await bench.request(site, { method: "PATCH", as, json }));

test("a static site with a file server of its own is something that runs: told to the orchestrator, asleep until somebody comes, to be restarted and put to sleep", async () => {
  const restart = async (): Promise<Answered> => read(await bench.request(`${site}/restart`, { method: "POST", as: "ada" }));
  expect(await restart()).toMatchObject({ code: "site_static" });
  const { site: changed, operation } = await change("admin", { dedicated: true });
  expect(operation.steps.map(({ name }) => name)).toEqual(["apply", "publish"]);
  expect(await ended(operation)).toBe("succeeded");
  expect(changed).toMatchObject({ dedicated: true, state: "asleep" });
  expect(bench.orchestrator.state.specs.get(changed.id)).toMatchObject({ kind: "static", isDedicated: true });
  expect(await ended((await restart()).operation)).toBe("succeeded");
  expect((await read(await bench.request(site, { as: "ada" }))).site.state).toBe("running");
  // New limits are for a new server.
  const limited = await change("admin", { limits: { cpu: 1 }, reason: "many visitors" });
  expect(limited.operation.steps.map(({ name }) => name)).toEqual(["apply", "publish", "refresh"]);
  expect(await ended(limited.operation)).toBe("succeeded");
});

test("without it the site has its place in the shared one again", async () => {
  const { site: changed, operation } = await change("admin", { dedicated: false });
  expect(await ended(operation)).toBe("succeeded");
  expect(changed.dedicated).toBe(false);
  expect(bench.orchestrator.state.specs.get(changed.id)).toMatchObject({ kind: "static", isDedicated: false });
});
