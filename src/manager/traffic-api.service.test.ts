import { afterAll, beforeAll, expect, test } from "vitest";
import { readTraffic } from "#contract/api/traffic.ts";
import { type ManagerBench, startManagerBench } from "../../test/support/manager-bench.ts";

let bench: ManagerBench;

beforeAll(async () => {
  bench = await startManagerBench();
  await bench.person("ann");
  await bench.person("ben");
  expect((await bench.request("/api/v1/sites", { method: "POST", as: "ann", json: { name: "garden", kind: "static" } })).status).toBe(201);
});
afterAll(() => bench?.[Symbol.asyncDispose]());

test("members read their site's visitors, nobody else does, and odd ranges are refused", async () => {
  const read = async (path: string, as: string) => (await bench.request(`/api/v1/sites/${path}`, { as })).status;
  expect([await read("garden/traffic", "ann"), await read("garden/traffic?range=week", "ann")]).toEqual([200, 200]);
  expect([await read("garden/traffic", "ben"), await read("nothing/traffic", "ann")]).toEqual([404, 404]);
  expect([await read("garden/traffic?range=year", "ann"), await read("garden/traffic?site=8", "ann")]).toEqual([422, 422]);
  const { traffic } = readTraffic.result.parse(await (await bench.request("/api/v1/sites/garden/traffic?range=day", { as: "ann" })).json());
  expect(traffic).toMatchObject({ range: "day", stepSeconds: 3600, routers: 1, away: 0 });
  expect(traffic.points.map(({ requests }) => requests)).toEqual([...Array.from({ length: 23 }, () => 0), 3]);
});
