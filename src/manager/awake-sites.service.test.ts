import { afterAll, beforeAll, expect, test } from "vitest";
import { type ManagerBench, startManagerBench } from "../../test/support/manager-bench.ts";

let bench: ManagerBench;

beforeAll(async () => {
  bench = await startManagerBench({ BACKLOT_AWAKE_SITES: "1" });
  await bench.person("ada");
  for (const name of ["one", "two"])
    expect((await bench.request("/api/v1/sites", { method: "POST", as: "ada", json: { name, kind: "dynamic" } })).status).toBe(201);
});
afterAll(() => bench[Symbol.asyncDispose]());

async function patch(as: string, name: string, json: unknown): Promise<{ readonly status: number; readonly body: unknown }> {
  const response = await bench.request(`/api/v1/sites/${name}`, { method: "PATCH", as, json });
  return { status: response.status, body: await response.json() };
}

test("a member keeps as many programs awake as an administrator has set, and hears what to do about another one", async () => {
  const never = { settings: { idleSeconds: null } };
  expect(await patch("ada", "one", never)).toMatchObject({ status: 200, body: { site: { settings: { idleSeconds: null } } } });
  expect(await patch("ada", "two", { description: "changed", ...never })).toMatchObject({
    status: 409,
    body: {
      code: "awake_sites_used_up",
      title: "ada keeps 1 programs awake, which is the most. Let this one or another one sleep, or ask an administrator.",
      details: { owner: "ada", count: 1 },
    },
  });
  const read = await bench.request("/api/v1/sites/two", { as: "ada" });
  expect(await read.json()).toMatchObject({ site: { description: "", settings: { idleSeconds: 600 } } });
  // What is awake already can be changed otherwise, and said to be so again.
  expect(await patch("ada", "one", { settings: { idleSeconds: null, botsWake: true } })).toMatchObject({ status: 200 });
  // An administrator may, and what they have set stays the owner's to change.
  expect(await patch("admin", "two", never)).toMatchObject({ status: 200 });
  expect(await patch("ada", "two", { settings: { timeZone: "Europe/Berlin" } })).toMatchObject({ status: 200 });
  expect(await patch("ada", "two", { settings: { idleSeconds: 60 } })).toMatchObject({ status: 200 });
  expect(await patch("ada", "two", never)).toMatchObject({ status: 409 });
  expect(await patch("ada", "one", { kind: "static" })).toMatchObject({ status: 200 });
  expect(await patch("ada", "two", never)).toMatchObject({ status: 200 });
  // A file site that was to stay awake becomes a program.
  expect(await patch("ada", "one", { kind: "dynamic" })).toMatchObject({ status: 409 });
});

test("a member does not get what administrators may have by making one of them an owner; an administrator gives it", async () => {
  await bench.person("mia");
  expect((await bench.request("/api/v1/sites", { method: "POST", as: "mia", json: { name: "mias", kind: "static" } })).status).toBe(201);
  const setAdmin = (as: string, role: string) => bench.request("/api/v1/sites/mias/members/admin", { method: "PUT", as, json: { role } });
  const refused = await setAdmin("mia", "owner");
  expect([refused.status, await refused.json()]).toEqual([403, expect.objectContaining({ code: "administrator_owner", details: { username: "admin" } })]);
  expect((await setAdmin("mia", "editor")).status).toBe(200);
  expect((await setAdmin("mia", "owner")).status).toBe(403);
  expect((await setAdmin("admin", "owner")).status).toBe(200);
  expect((await setAdmin("mia", "owner")).status).toBe(200);
  expect((await bench.request("/api/v1/sites/mias/members/admin", { method: "DELETE", as: "mia" })).status).toBe(204);
  expect((await setAdmin("mia", "owner")).status).toBe(403);
});
