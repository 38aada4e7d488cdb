import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { publicEndpoints } from "#contract/api/public.ts";
import { pathOf } from "#contract/client.ts";
import { readEvents } from "#contract/events.ts";
import { adminPassword, type ManagerBench, startManagerBench } from "../../test/support/manager-bench.ts";

let bench: ManagerBench;

beforeAll(async () => {
  bench = await startManagerBench();
  await bench.person("ada");
  await bench.person("bob");
});
afterAll(() => bench[Symbol.asyncDispose]());

const bodyOf = async (response: Response): Promise<Record<string, never>> => (await response.json()) as Record<string, never>;

async function signedIn(username = "admin", password = adminPassword): Promise<string> {
  const response = await bench.request("/api/v1/session", { method: "POST", json: { username, password } });
  return response.headers.get("set-cookie")?.split(";")[0] ?? "";
}

async function createSite(as: string, name: string, kind = "static"): Promise<void> {
  const response = await bench.request("/api/v1/sites", { method: "POST", as, json: { name, kind } });
  expect(response.status).toBe(201);
  const { operation } = (await response.json()) as { operation: { id: string } };
  await ended(as, operation.id);
}

async function ended(as: string, id: string): Promise<Record<string, unknown>> {
  const response = await bench.request(`/api/v1/operations/${id}/events`, { as });
  let last: Record<string, unknown> = {};
  if (response.body !== null) for await (const event of readEvents(response.body)) last = JSON.parse(event.data) as Record<string, unknown>;
  return last;
}

describe("signing in", () => {
  test("gives a cookie that scripts cannot read and other pages do not send", async () => {
    const response = await bench.request("/api/v1/session", { method: "POST", json: { username: "admin", password: adminPassword } });
    expect(response.status).toBe(201);
    expect(response.headers.getSetCookie()[0]).toMatch(/^backlot_session=[\w-]{43}; Max-Age=1209600; Path=\/; HttpOnly; SameSite=Lax$/);
  });

  test("says the same of a wrong password and of an unknown name", async () => {
    const wrong = await bench.request("/api/v1/session", { method: "POST", json: { username: "bob", password: "wrong" } });
    const unknown = await bench.request("/api/v1/session", { method: "POST", json: { username: "nobody", password: "wrong" } });
    expect(wrong.status).toBe(401);
    expect(await bodyOf(wrong)).toMatchObject({ code: "credentials_wrong" });
    expect((await bodyOf(unknown)).title).toBe("The user name or the password is wrong. Check both and try again.");
  });

  test("has to wait after five wrong passwords, and the right one does not help meanwhile", async () => {
    await bench.request("/api/v1/users", { method: "POST", as: "admin", json: { username: "guessed", password: "a password" } });
    const attempt = (password: string) => bench.request("/api/v1/session", { method: "POST", json: { username: "guessed", password } });
    for (let count = 0; count < 5; count += 1) expect((await attempt("wrong")).status).toBe(401);
    const refused = await attempt("a password");
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  });

  test("a session's unsafe request from another page, or from nowhere, is refused", async () => {
    const cookie = await signedIn();
    const create = (headers: Record<string, string>) =>
      bench.request("/api/v1/tokens", { method: "POST", json: { name: "x" }, headers: { cookie, ...headers } });
    expect((await create({})).status).toBe(403);
    expect((await create({ origin: "http://evil.localhost:8080" })).status).toBe(403);
    expect((await create({ origin: "null" })).status).toBe(403);
    expect((await create({ origin: bench.url })).status).toBe(201);
  });

  test("signing out ends the session", async () => {
    const cookie = await signedIn();
    const headers = { cookie, origin: bench.url };
    expect((await bench.request("/api/v1/session", { headers })).status).toBe(200);
    expect((await bench.request("/api/v1/session", { method: "DELETE", headers })).status).toBe(204);
    expect((await bench.request("/api/v1/session", { headers })).status).toBe(401);
  });

  test("a changed password ends the other sessions and keeps this one", async () => {
    await bench.person("changer");
    const [mine, other] = [await signedIn("changer", "a password"), await signedIn("changer", "a password")];
    const changed = await bench.request("/api/v1/session/password", {
      method: "PUT",
      json: { currentPassword: "a password", newPassword: "another password" },
      headers: { cookie: mine, origin: bench.url },
    });
    expect(changed.status).toBe(204);
    expect((await bench.request("/api/v1/session", { headers: { cookie: mine } })).status).toBe(200);
    expect((await bench.request("/api/v1/session", { headers: { cookie: other } })).status).toBe(401);
  });

  test("the last administrator cannot be taken away", async () => {
    const response = await bench.request("/api/v1/users/admin", { method: "PATCH", as: "admin", json: { role: "member" } });
    expect(response.status).toBe(409);
    expect(await bodyOf(response)).toMatchObject({ code: "last_administrator" });
  });
});

describe("API tokens", () => {
  test("show their secret once and can be limited, dated and revoked", async () => {
    const made = await bench.request("/api/v1/tokens", { method: "POST", as: "ada", json: { name: "read only", scopes: ["read"] } });
    const { id, secret } = (await made.json()) as { id: string; secret: string };
    const headers = { authorization: `Bearer ${secret}` };
    expect((await bench.request("/api/v1/sites", { headers })).status).toBe(200);
    const refused = await bench.request("/api/v1/sites", { method: "POST", headers, json: { name: "nope", kind: "static" } });
    expect(refused.status).toBe(403);
    expect(await bodyOf(refused)).toMatchObject({ code: "scope_too_small" });
    expect(JSON.stringify(await bodyOf(await bench.request("/api/v1/tokens", { as: "ada" })))).not.toContain(secret);
    expect((await bench.request(`/api/v1/tokens/${id}`, { method: "DELETE", as: "bob" })).status).toBe(404);
    expect((await bench.request(`/api/v1/tokens/${id}`, { method: "DELETE", as: "ada" })).status).toBe(204);
    expect((await bench.request("/api/v1/sites", { headers })).status).toBe(401);
  });

  test("that have expired are nobody's", async () => {
    const made = await bench.request("/api/v1/tokens", { method: "POST", as: "ada", json: { name: "old", expiresAt: "2020-01-01T00:00:00Z" } });
    const { secret } = (await made.json()) as { secret: string };
    expect((await bench.request("/api/v1/session", { headers: { authorization: `Bearer ${secret}` } })).status).toBe(401);
  });
});

describe("tenancy", () => {
  test("every endpoint about a site answers 404 to others and 401 to nobody, before it looks at the body", async () => {
    await createSite("ada", "adas-site", "dynamic");
    for (const shape of publicEndpoints.filter(({ access }) => access.kind === "site")) {
      const path = pathOf(shape, { params: { name: "adas-site", username: "bob", "*": "x" } });
      const malformed = shape.method === "GET" || shape.method === "DELETE" ? {} : { body: "{", headers: { "content-type": "application/json" } };
      const other = await bench.request(path, { method: shape.method, as: "bob", ...malformed });
      expect(other.status, shape.id).toBe(404);
      expect(await bodyOf(other), shape.id).toMatchObject({ code: "site_not_found" });
      expect((await bench.request(path, { method: shape.method, ...malformed })).status, shape.id).toBe(401);
    }
  });

  test("an operation of someone else's site is not there", async () => {
    const { operation } = (await (await bench.request("/api/v1/sites", { method: "POST", as: "ada", json: { name: "hers", kind: "static" } })).json()) as {
      operation: { id: string };
    };
    expect((await bench.request(`/api/v1/operations/${operation.id}`, { as: "ada" })).status).toBe(200);
    for (const path of [`/api/v1/operations/${operation.id}`, `/api/v1/operations/${operation.id}/events`, "/api/v1/operations/nonsense"]) {
      expect((await bench.request(path, { as: "bob" })).status).toBe(404);
    }
  });

  test("a viewer reads, and what a viewer may not do is answered with 404 too", async () => {
    await createSite("ada", "shared");
    expect((await bench.request("/api/v1/sites/shared/members/bob", { method: "PUT", as: "ada", json: { role: "viewer" } })).status).toBe(200);
    expect((await bench.request("/api/v1/sites/shared", { as: "bob" })).status).toBe(200);
    const write = await bench.request("/api/v1/sites/shared/files/a", { method: "PUT", as: "bob", body: "x" });
    expect(write.status).toBe(404);
    expect(await bodyOf(write)).toMatchObject({ code: "role_too_low" });
  });

  test("a log that a former member follows ends within two seconds", async () => {
    await createSite("ada", "followed", "dynamic");
    await bench.request("/api/v1/sites/followed/members/bob", { method: "PUT", as: "ada", json: { role: "viewer" } });
    const following = await bench.request("/api/v1/sites/followed/logs?follow=true", { as: "bob" });
    const reader = following.body?.getReader();
    await reader?.read();
    const beganAt = Date.now();
    await bench.request("/api/v1/sites/followed/members/bob", { method: "DELETE", as: "ada" });
    // A connection that is cut off has ended, too.
    const next = async () => reader?.read().catch(() => undefined);
    for (let chunk = await next(); chunk !== undefined && !chunk.done; chunk = await next());
    expect(Date.now() - beganAt).toBeLessThan(2_000);
    expect((await bench.request("/api/v1/sites/followed", { as: "bob" })).status).toBe(404);
  });

  test("the last owner cannot leave", async () => {
    await createSite("ada", "owned");
    const response = await bench.request("/api/v1/sites/owned/members/ada", { method: "DELETE", as: "ada" });
    expect(await bodyOf(response)).toMatchObject({ code: "last_owner" });
  });
});

describe("sites", () => {
  test("are created by an operation whose steps can be followed", async () => {
    const response = await bench.request("/api/v1/sites", { method: "POST", as: "ada", json: { name: "fresh", kind: "dynamic", starter: "node" } });
    expect(response.status).toBe(201);
    const { site, operation } = (await response.json()) as { site: Record<string, unknown>; operation: { id: string } };
    expect(site).toMatchObject({ name: "fresh", kind: "dynamic", state: "starting", url: "http://fresh.localhost:8080/" });
    const last = await ended("ada", operation.id);
    expect(last).toMatchObject({ state: "succeeded" });
    expect((last.steps as { state: string }[]).map((step) => step.state)).toEqual(["succeeded", "succeeded", "succeeded", "succeeded"]);
  });

  test("a taken name, a reserved one and a starter that cannot run here are refused and leave nothing", async () => {
    await createSite("ada", "taken");
    const attempt = (json: unknown) => bench.request("/api/v1/sites", { method: "POST", as: "bob", json });
    expect(await bodyOf(await attempt({ name: "taken", kind: "static" }))).toMatchObject({ code: "site_name_taken", status: 409 });
    expect(await bodyOf(await attempt({ name: "admin", kind: "static" }))).toMatchObject({ code: "site_name_reserved" });
    expect(await bodyOf(await attempt({ name: "py", kind: "dynamic", starter: "python" }))).toMatchObject({
      code: "interpreter_missing",
      title: "The starter python needs python3, which is not installed on this machine. Install it, or choose another starter.",
    });
    expect(await bodyOf(await attempt({ name: "py", kind: "dynamic", starter: "cobol" }))).toMatchObject({ code: "starter_not_found" });
    expect(await bodyOf(await attempt({ name: "ünder", kind: "static" }))).toMatchObject({ code: "site_name_invalid" });
    expect(await bodyOf(await attempt({ name: "club", kind: "static", purpose: "activity" }))).toMatchObject({ code: "administrators_only" });
    expect((await bench.request("/api/v1/sites/py", { as: "bob" })).status).toBe(404);
  });

  test("unknown fields, wrong types and broken JSON are told apart", async () => {
    const attempt = (body: string, type = "application/json") =>
      bench.request("/api/v1/sites", { method: "POST", as: "ada", body, headers: { "content-type": type } });
    expect((await attempt('{"name":"x","kind":"static","colour":"red"}')).status).toBe(422);
    expect((await attempt('{"name":7,"kind":"static"}')).status).toBe(422);
    expect((await attempt("{")).status).toBe(400);
    expect((await attempt("name=x", "application/x-www-form-urlencoded")).status).toBe(415);
    expect((await attempt(`{"name":"${"x".repeat(100_000)}"}`)).status).toBe(413);
  });

  test("are renamed by an operation and keep their files' place", async () => {
    await createSite("ada", "before");
    const response = await bench.request("/api/v1/sites/before", { method: "PATCH", as: "ada", json: { name: "after" } });
    const { operation } = (await response.json()) as { operation: { id: string } };
    expect(await ended("ada", operation.id)).toMatchObject({ state: "succeeded", kind: "rename" });
    expect((await bench.request("/api/v1/sites/before", { as: "ada" })).status).toBe(404);
    expect((await bench.request("/api/v1/sites/after", { as: "ada" })).status).toBe(200);
  });

  test("only administrators change limits and availability, with a reason", async () => {
    await createSite("ada", "limited");
    const change = (as: string, json: unknown) => bench.request("/api/v1/sites/limited", { method: "PATCH", as, json });
    expect((await change("ada", { limits: { cpu: 2 } })).status).toBe(403);
    expect(await bodyOf(await change("admin", { limits: { cpu: 2 } }))).toMatchObject({ code: "limits_need_reason" });
    const changed = (await (await change("admin", { limits: { cpu: 2 }, reason: "video club" })).json()) as { site: { limits: { cpu: number; pids: number } } };
    expect(changed.site.limits).toMatchObject({ cpu: 2, pids: 128 });
  });

  test("only administrators let a site's program out into the internet, with a reason that is kept", async () => {
    await createSite("ada", "outward", "dynamic");
    const change = (as: string, json: unknown) => bench.request("/api/v1/sites/outward", { method: "PATCH", as, json });
    expect(await bodyOf(await bench.request("/api/v1/sites/outward", { as: "ada" }))).toMatchObject({ site: { egress: "none" } });
    expect(await bodyOf(await change("ada", { egress: "internet", reason: "I want it" }))).toMatchObject({ code: "administrators_only", status: 403 });
    expect(await bodyOf(await change("admin", { egress: "internet" }))).toMatchObject({ code: "limits_need_reason" });
    const { site, operation } = (await (await change("admin", { egress: "internet", reason: "weather service" })).json()) as {
      site: { egress: string };
      operation: { id: string; steps: { name: string }[] };
    };
    expect(site.egress).toBe("internet");
    expect(operation.steps.map((step) => step.name)).toEqual(["apply", "publish", "refresh"]);
    expect(await ended("ada", operation.id)).toMatchObject({ state: "succeeded" });
    expect(JSON.stringify(await bodyOf(await bench.request("/api/v1/sites/outward/audit", { as: "ada" })))).toContain("weather service");
    expect(await bodyOf(await change("admin", { egress: "everywhere", reason: "x" }))).toMatchObject({ code: "input_invalid" });
  });

  test("are not let out where the machine cannot do it, and the refusal says why", async () => {
    await using other = await startManagerBench();
    other.orchestrator.state.isolates = false;
    await other.request("/api/v1/sites", { method: "POST", as: "admin", json: { name: "shut", kind: "dynamic" } });
    const response = await other.request("/api/v1/sites/shut", { method: "PATCH", as: "admin", json: { egress: "internet", reason: "x" } });
    expect(await bodyOf(response)).toMatchObject({ code: "egress_unavailable", status: 409, title: expect.stringContaining("Backlot does not run as root") });
    expect(await bodyOf(await other.request("/api/v1/sites/shut", { as: "admin" }))).toMatchObject({ site: { egress: "none" } });
  });

  test("that are disabled can only be looked at by their members", async () => {
    await createSite("ada", "banned");
    await bench.request("/api/v1/sites/banned", { method: "PATCH", as: "admin", json: { availability: "disabled", reason: "policy" } });
    expect(await bodyOf(await bench.request("/api/v1/sites/banned/status", { as: "ada" }))).toMatchObject({ state: "disabled", reason: "policy" });
    expect(await bodyOf(await bench.request("/api/v1/sites/banned/files/", { as: "ada" }))).toMatchObject({ code: "site_disabled" });
  });

  test("keep the values of their environment out of the audit trail", async () => {
    await createSite("ada", "secretive", "dynamic");
    const environment = { API_KEY: "sssh" };
    expect((await bench.request("/api/v1/sites/secretive/environment", { method: "PUT", as: "ada", json: { environment } })).status).toBe(200);
    expect(await bodyOf(await bench.request("/api/v1/sites/secretive/environment", { as: "ada" }))).toEqual({ environment });
    const audit = JSON.stringify(await bodyOf(await bench.request("/api/v1/sites/secretive/audit", { as: "ada" })));
    expect(audit).toContain("API_KEY");
    expect(audit).not.toContain("sssh");
    const refused = await bench.request("/api/v1/sites/secretive/environment", { method: "PUT", as: "ada", json: { environment: { PORT: "1" } } });
    expect(refused.status).toBe(422);
  });

  test("tell one of two who change the variables at the same moment, instead of losing what the other wrote", async () => {
    await createSite("ada", "shared-words", "dynamic");
    const path = "/api/v1/sites/shared-words/environment";
    const versionNow = async () => (await bench.request(path, { as: "ada" })).headers.get("etag") ?? "";
    const write = (name: string, version: string) =>
      bench.request(path, { method: "PUT", as: "ada", json: { environment: { [name]: "1" } }, headers: { "if-match": version } });
    const read = await versionNow();
    const answers = await Promise.all(["A", "B"].map((name) => write(name, read)));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 412]);
    const refused = answers.find(({ status }) => status === 412);
    expect(await refused?.json()).toMatchObject({ code: "environment_changed" });
    const newest = answers.find(({ status }) => status === 200)?.headers.get("etag") ?? "";
    expect(newest).toBe(await versionNow());
    // As a proxy that compresses answers hands it on.
    expect((await write("C", `W/${newest}`)).status).toBe(200);
    expect(await bodyOf(await bench.request(path, { as: "ada" }))).toEqual({ environment: { C: "1" } });
  });

  test("are gone after their deletion, with their history still readable", async () => {
    await createSite("ada", "going");
    const response = await bench.request("/api/v1/sites/going", { method: "DELETE", as: "ada" });
    expect(response.status).toBe(202);
    const { operation } = (await response.json()) as { operation: { id: string } };
    expect(await ended("ada", operation.id)).toMatchObject({ state: "succeeded", kind: "delete", site: "going" });
    expect((await bench.request("/api/v1/sites/going", { as: "ada" })).status).toBe(404);
    await createSite("bob", "going");
  });

  test("where sites cannot be kept apart only administrators create dynamic ones", async () => {
    await using other = await startManagerBench();
    other.orchestrator.state.isolates = false;
    await other.person("eve");
    const attempt = (as: string, name: string) => other.request("/api/v1/sites", { method: "POST", as, json: { name, kind: "dynamic" } });
    expect(await bodyOf(await attempt("eve", "eves"))).toMatchObject({ code: "isolation_missing", status: 409 });
    expect((await attempt("admin", "admins")).status).toBe(201);
  });
});

describe("files", () => {
  test("an upload passes through and is told apart as new or replaced", async () => {
    await createSite("ada", "filed");
    const put = () => bench.request("/api/v1/sites/filed/files/public/a%20b.txt", { method: "PUT", as: "ada", body: "hello" });
    expect((await put()).status).toBe(201);
    expect((await put()).status).toBe(204);
    const read = await bench.request("/api/v1/sites/filed/files/public/a%20b.txt", { as: "ada" });
    expect(await read.text()).toBe("hello");
    expect(read.headers.get("content-security-policy")).toMatch(/^sandbox; default-src 'none';/);
  });

  test.each(["public/..%2f..%2fetc", "a%00b", "a%5cb", "a%2Fb", "x".repeat(300)])("the path %s is refused", async (path) => {
    const response = await bench.request(`/api/v1/sites/filed/files/${path}`, { method: "PUT", as: "ada", body: "x" });
    expect(response.status).toBe(400);
    expect(await bodyOf(response)).toMatchObject({ code: "path_invalid" });
  });

  test("a deployment of another type is refused before it is read", async () => {
    const response = await bench.request("/api/v1/sites/filed/deployments", {
      method: "POST",
      as: "ada",
      body: "PK",
      headers: { "content-type": "application/zip" },
    });
    expect(response.status).toBe(415);
  });

  test("a deployment becomes an operation", async () => {
    const response = await bench.request("/api/v1/sites/filed/deployments", {
      method: "POST",
      as: "ada",
      body: "gz",
      headers: { "content-type": "application/gzip" },
    });
    expect(response.status).toBe(202);
    const { operation } = (await response.json()) as { operation: { id: string } };
    expect(await ended("ada", operation.id)).toMatchObject({ state: "succeeded", kind: "deploy" });
  });
});
