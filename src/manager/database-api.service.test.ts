import { afterAll, beforeAll, expect, test } from "vitest";
import type { SiteDatabaseView } from "#contract/api/database.ts";
import type { OperationView } from "#contract/api/views.ts";
import { readEvents } from "#contract/events.ts";
import { type ManagerBench, startManagerBench } from "../../test/support/manager-bench.ts";
import { startWatchedSiteServer, type WatchedSiteServer } from "../../test/support/watched-site-server.ts";

let server: WatchedSiteServer;
let bench: ManagerBench;

beforeAll(async () => {
  server = await startWatchedSiteServer();
  bench = await startManagerBench({ BACKLOT_SITE_DATABASE_URL: server.url });
  await bench.person("ada");
  await bench.person("bob");
  await bench.person("eve");
}, 60_000);
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

async function call<T>(of: ManagerBench, method: string, path: string, as: string, json?: unknown): Promise<{ readonly status: number; readonly body: T }> {
  const response = await of.request(path, { method, as, ...(json === undefined ? {} : { json }) });
  return { status: response.status, body: (response.status === 204 ? undefined : await response.json()) as T };
}

async function ended(of: ManagerBench, as: string, operation: OperationView): Promise<OperationView> {
  const response = await of.request(`/api/v1/operations/${operation.id}/events`, { as });
  let last = operation;
  if (response.body !== null) for await (const event of readEvents(response.body)) last = JSON.parse(event.data);
  return last;
}

async function newSite(of: ManagerBench, name: string): Promise<string> {
  const { body } = await call<{ operation: OperationView }>(of, "POST", "/api/v1/sites", "ada", { name, kind: "dynamic" });
  await ended(of, "ada", body.operation);
  return `/api/v1/sites/${name}/database`;
}

const read = async (path: string, as: string) => (await call<{ database: SiteDatabaseView | null }>(bench, "GET", path, as)).body.database;

test("the password is shown to who edits the site, with a token for everything, and to nobody else", async () => {
  const path = await newSite(bench, "secrets");
  const { status, body } = await call<{ operation: OperationView }>(bench, "POST", path, "ada");
  expect(status).toBe(202);
  expect(await ended(bench, "ada", body.operation)).toMatchObject({ kind: "add-database", state: "succeeded" });
  for (const [username, role] of [
    ["bob", "viewer"],
    ["eve", "editor"],
  ])
    await bench.request(`/api/v1/sites/secrets/members/${username}`, { method: "PUT", as: "ada", json: { role } });
  const [owner, viewer, editor] = [await read(path, "ada"), await read(path, "bob"), await read(path, "eve")];
  expect(owner?.variables?.DIRECTOR_DATABASE_PASSWORD).toMatch(/^[\w-]{43}$/);
  expect(owner?.url).toBe(owner?.variables?.DATABASE_URL);
  expect(editor).toEqual(owner);
  expect(viewer).toEqual({ ...owner, url: null, variables: null });
  const made = await call<{ secret: string }>(bench, "POST", "/api/v1/tokens", "ada", { name: "reader", scopes: ["read"] });
  const headers = { authorization: `Bearer ${made.body.secret}` };
  expect(await (await bench.request(path, { headers })).json()).toEqual({ database: viewer });
  expect((await bench.request(path, { method: "POST", headers })).status).toBe(403);
});

test("changes are the owner's, and say what keeps them from being made", async () => {
  const path = await newSite(bench, "changes");
  await bench.request("/api/v1/sites/changes/members/eve", { method: "PUT", as: "ada", json: { role: "editor" } });
  for (const [method, address] of [
    ["POST", path],
    ["POST", `${path}/password`],
    ["DELETE", path],
  ] as const) {
    expect((await call(bench, method, address, "eve")).body).toMatchObject({ status: 404, code: "role_too_low" });
    expect((await call(bench, method, address, "bob")).body).toMatchObject({ status: 404, code: "site_not_found" });
  }
  expect((await call(bench, "DELETE", path, "ada")).body).toMatchObject({ status: 404, code: "site_database_not_found" });
  expect((await call(bench, "POST", `${path}/password`, "ada")).body).toMatchObject({ status: 404, code: "site_database_not_found" });
  await bench.request("/api/v1/sites", { method: "POST", as: "ada", json: { name: "page", kind: "static" } });
  expect((await call(bench, "POST", "/api/v1/sites/page/database", "ada")).body).toMatchObject({ status: 409, code: "site_static" });
});

test("the audit trail tells who did what, and no password", async () => {
  const path = await newSite(bench, "audited");
  for (const [method, address] of [
    ["POST", path],
    ["POST", `${path}/password`],
    ["DELETE", path],
  ] as const) {
    const { body } = await call<{ operation: OperationView }>(bench, method, address, "ada");
    expect(await ended(bench, "ada", body.operation)).toMatchObject({ state: "succeeded" });
  }
  const { body } = await call<{ entries: readonly { action: string; details: object }[] }>(bench, "GET", "/api/v1/sites/audited/audit", "ada");
  const entries = body.entries.filter(({ action }) => action.startsWith("database."));
  expect(entries.map(({ action, details }) => [action, details])).toEqual([
    ["database.delete", {}],
    ["database.password", {}],
    ["database.add", {}],
  ]);
  expect(await read(path, "ada")).toBeNull();
});

test("without a server the operation fails in plain words, and the database can be tried again or deleted", async () => {
  await using without = await startManagerBench();
  await without.person("ada");
  const path = await newSite(without, "lonely");
  const add = async () => {
    const { body } = await call<{ operation: OperationView }>(without, "POST", path, "ada");
    return ended(without, "ada", body.operation);
  };
  expect(await add()).toMatchObject({ state: "failed", failure: { code: "site_databases_off", title: expect.stringContaining("BACKLOT_SITE_DATABASE_URL") } });
  const { body } = await call<{ database: SiteDatabaseView }>(without, "GET", path, "ada");
  expect(body.database).toMatchObject({ state: "failed", url: null, variables: null, reason: expect.stringContaining("could not be made") });
  expect(await add()).toMatchObject({ state: "failed" });
  const deletion = await call<{ operation: OperationView }>(without, "DELETE", "/api/v1/sites/lonely", "ada");
  const last = await ended(without, "ada", deletion.body.operation);
  expect(last.state).toBe("succeeded");
  expect(last.steps.find(({ name }) => name === "dropDatabase")?.message).toContain("stays there");
});
