import { expect, test, vi } from "vitest";
import { Failure } from "#contract/failure.ts";
import { openDatabase } from "#db/database.ts";
import { silentLog } from "#kit/log.ts";
import { startManagerBench } from "../../test/support/manager-bench.ts";

const patience = { timeout: 20_000, interval: 20 };

test("an orchestrator that lost a site, or missed a change, is told again; one that holds a deleted site removes it", async () => {
  await using bench = await startManagerBench({ BACKLOT_RECONCILE_SECONDS: "1" });
  const { specs } = bench.orchestrator.state;
  for (const name of ["lost", "late", "gone"]) await bench.request("/api/v1/sites", { method: "POST", as: "admin", json: { name, kind: "static" } });
  await vi.waitFor(() => expect([...specs.keys()].sort()).toEqual([1, 2, 3]), patience);
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

test("a creation that failed is taken up again with the starter that was asked for, and until then the site says that it is being created", async () => {
  await using bench = await startManagerBench({ BACKLOT_RECONCILE_SECONDS: "1" });
  const { orchestrator } = bench;
  let isFull = true;
  orchestrator.onCall = async ({ id }) => {
    if (id === "starter.place" && isFull) throw new Failure("disk_full");
  };
  const read = async (path: string) => (await bench.request(`/api/v1/sites/late${path}`, { as: "admin" })).json() as Promise<Record<string, unknown>>;
  const creations = async () => ((await read("/operations")).operations as Record<string, unknown>[]).map(({ kind, state }) => [kind, state]);
  await bench.request("/api/v1/sites", { method: "POST", as: "admin", json: { name: "late", kind: "dynamic", starter: "node" } });
  await vi.waitFor(async () => expect(await creations()).toEqual([["create", "failed"]]), patience);
  expect(await read("/status")).toMatchObject({ state: "starting", reason: expect.stringContaining("being created") });

  isFull = false;
  await using db = Object.assign(openDatabase({ url: bench.databaseUrl, maxConnections: 1, log: silentLog() }), {
    [Symbol.asyncDispose]: () => db.destroy(),
  });
  // It would be a minute otherwise.
  await db
    .updateTable("sites")
    .set({ updatedAt: new Date(Date.now() - 120_000) })
    .execute();
  await vi.waitFor(
    async () =>
      expect(await creations()).toEqual([
        ["create", "succeeded"],
        ["create", "failed"],
      ]),
    patience,
  );
  expect(orchestrator.calls.filter(({ id }) => id === "starter.place").map(({ body }) => body)).toEqual([{ starter: "node" }, { starter: "node" }]);
  expect(await read("/status")).toMatchObject({ state: "asleep" });
});
