import { expect, test, vi } from "vitest";
import { startManagerBench } from "../../test/support/manager-bench.ts";

const patience = { timeout: 20_000, interval: 20 };

test("an orchestrator that lost a site, or missed a change, is told again; one that holds a deleted site removes it", async () => {
  await using bench = await startManagerBench({ BACKLOT_RECONCILE_SECONDS: "1" });
  const { specs } = bench.orchestrator.state;
  for (const name of ["lost", "late", "gone"]) await bench.request("/api/v1/sites", { method: "POST", as: "admin", json: { name, kind: "static" } });
  await vi.waitFor(() => expect([...specs.keys()]).toEqual([1, 2, 3]), patience);
  const [lost, late, gone] = [1, 2, 3].map((id) => specs.get(id));
  if (lost === undefined || late === undefined || gone === undefined) throw new Error("a site was not applied");
  await bench.request("/api/v1/sites/gone", { method: "DELETE", as: "admin" });
  await vi.waitFor(() => expect(specs.has(3)).toBe(false), patience);
  await vi.waitFor(async () => expect((await bench.request("/api/v1/sites/gone", { as: "admin" })).status).toBe(404), patience);

  specs.delete(1);
  specs.set(2, { ...late, revision: late.revision - 1 });
  specs.set(3, gone);
  // Nobody knows where this one comes from: perhaps from before a backup was restored.
  specs.set(99, { ...gone, revision: 7 });
  await vi.waitFor(() => expect(specs.has(3)).toBe(false), patience);
  await vi.waitFor(() => expect(specs.get(1)).toEqual(lost), patience);
  await vi.waitFor(() => expect(specs.get(2)).toEqual(late), patience);
  expect(specs.get(99)).toMatchObject({ revision: 7 });
});
