import { afterAll, beforeAll, expect, test } from "vitest";
import { forgetNode, listNodes, updateNode } from "#contract/api/nodes.ts";
import { type ManagerBench, startManagerBench } from "../../test/support/manager-bench.ts";

let bench: ManagerBench;
beforeAll(async () => {
  bench = await startManagerBench({ BACKLOT_NODE_BEAT_MS: "200", BACKLOT_NODE_LOST_MS: "1000" });
  await bench.person("ada");
});
afterAll(() => bench[Symbol.asyncDispose]());

const patience = { timeout: 30_000, interval: 100 };

async function nodes() {
  const response = await bench.request("/api/v1/nodes", { as: "admin" });
  expect(response.status).toBe(200);
  return listNodes.result.parse(await response.json()).nodes;
}

test("every process is told with its heartbeat, the orchestrator with its load and its sites", async () => {
  await expect.poll(async () => (await nodes()).map(({ kind, state }) => `${kind} ${state}`), patience).toEqual(["orchestrator up", "manager up", "worker up"]);
  await bench.request("/api/v1/sites", { method: "POST", as: "ada", json: { name: "counted", kind: "static" } });
  const [orchestrator] = await nodes();
  expect(orchestrator).toMatchObject({ id: "fake-orchestrator", host: "fake", url: bench.orchestrator.url, sites: 1, explanation: "It answers." });
  expect(orchestrator?.report).toMatchObject({ runtime: "process", cores: 2, loadAverage: [0.5, 0.4, 0.3], sharesFiles: false });
});

test.each([
  [listNodes.method, "/api/v1/nodes", undefined],
  [updateNode.method, "/api/v1/nodes/fake-orchestrator", { drained: true }],
  [forgetNode.method, "/api/v1/nodes/fake-orchestrator", undefined],
])("%s %s is for administrators alone", async (method, path, json) => {
  expect((await bench.request(path, { method, ...(json === undefined ? {} : { json }) })).status).toBe(401);
  const refused = await bench.request(path, { method, as: "ada", ...(json === undefined ? {} : { json }) });
  expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([403, "administrators_only"]);
});

test("draining is remembered and noted, and what is not there or still answers is refused", async () => {
  const patch = (id: string, drained: boolean) => bench.request(`/api/v1/nodes/${id}`, { method: "PATCH", as: "admin", json: { drained } });
  const drained = await patch("fake-orchestrator", true);
  expect(drained.status).toBe(200);
  const { node } = updateNode.result.parse(await drained.json());
  expect(node).toMatchObject({ isDrained: true, state: "drained", explanation: expect.stringContaining("stay: no other machine") });
  expect((await patch("fake-orchestrator", false)).status).toBe(200);
  for (const id of ["nobody", "%00", "manager-x"]) expect((await patch(id, true)).status).toBe(404);
  const forget = async (id: string): Promise<number> => (await bench.request(`/api/v1/nodes/${id}`, { method: "DELETE", as: "admin" })).status;
  expect([await forget("fake-orchestrator"), await forget("nobody")]).toEqual([409, 404]);
  const audit = (await (await bench.request("/api/v1/audit", { as: "admin" })).json()) as { entries: { action: string }[] };
  expect(audit.entries.map(({ action }) => action)).toEqual(expect.arrayContaining(["nodes.drain", "nodes.undrain"]));
});

test("one that falls silent is lost, and up again when it answers", async () => {
  bench.orchestrator.onCall = async ({ id }) => {
    if (id === "node.read") throw new Error("silent");
  };
  await expect.poll(async () => (await nodes())[0]?.state, patience).toBe("lost");
  bench.orchestrator.onCall = async () => undefined;
  await expect.poll(async () => (await nodes())[0]?.state, patience).toBe("up");
});
