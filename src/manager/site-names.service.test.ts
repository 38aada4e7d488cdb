import { afterAll, beforeAll, expect, test } from "vitest";
import { type ManagerBench, startManagerBench } from "../../test/support/manager-bench.ts";

let bench: ManagerBench;

beforeAll(async () => {
  bench = await startManagerBench();
  await Promise.all(["ada", "bob", "wpad", "mail"].map((username) => bench.person(username)));
});
afterAll(() => bench[Symbol.asyncDispose]());

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

async function ask(as: string, path: string, init: { readonly method: string; readonly json?: unknown }): Promise<Answer> {
  const response = await bench.request(`/api/v1/sites${path}`, { as, ...init });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const createPersonal = (as: string, name: string) => ask(as, "", { method: "POST", json: { name, kind: "static", purpose: "user" } });

test("a personal site is its owner's user name: no other is taken, and it is never renamed", async () => {
  const others = await createPersonal("ada", "bob");
  expect(others).toMatchObject({ status: 422, body: { code: "input_invalid", title: expect.stringContaining("ada") } });
  expect(await createPersonal("ada", "ada")).toMatchObject({ status: 201, body: { site: { name: "ada", purpose: "user" } } });
  const rename = (as: string) => ask(as, "/ada", { method: "PATCH", json: { name: "adas-pages" } });
  for (const as of ["ada", "admin"]) expect(await rename(as)).toMatchObject({ status: 422, body: { code: "site_personal_name_fixed" } });
  // The name that it has is no other name.
  const same = await ask("ada", "/ada", { method: "PATCH", json: { name: "ada", description: "mine" } });
  expect(same).toMatchObject({ status: 200, body: { site: { name: "ada", description: "mine" } } });
});

test.each(["admin", "wpad", "mail"])("somebody called %s gets no personal site at that address, and is told what they can have", async (username) => {
  const { status, body } = await createPersonal(username, username);
  expect([status, body.code]).toEqual([422, "site_personal_name_reserved"]);
  expect(body.title).toBe(`Your user name ${username} is reserved as an address, so you cannot have a personal site. Create a project site with another name.`);
  expect(await ask(username, `/${username}`, { method: "GET" })).toMatchObject({ status: 404 });
  const project = await ask(username, "", { method: "POST", json: { name: `of-${username}`, kind: "static" } });
  expect(project.status).toBe(201);
});

test.each(["not-served", "disabled"])(
  "a program is neither restarted nor woken while an administrator keeps its site %s, which waiting does not change",
  async (availability) => {
    const name = `shut-${availability}`;
    await ask("ada", "", { method: "POST", json: { name, kind: "dynamic" } });
    await ask("admin", `/${name}`, { method: "PATCH", json: { availability, reason: "policy" } });
    for (const as of ["ada", "admin"]) {
      for (const verb of ["restart", "wake"]) {
        expect(await ask(as, `/${name}/${verb}`, { method: "POST" })).toMatchObject({ status: 409, body: { code: "site_disabled" } });
      }
    }
  },
);
