import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readEvents } from "#contract/events.ts";
import { components } from "#contract/grant.ts";
import { routeFeedEvent } from "#contract/internal/manager.ts";
import { type ClusterKey, componentSecret } from "#kit/cluster-key.ts";
import { createSigner, type GrantRequest } from "#kit/grant.ts";
import type { RunningService } from "#kit/lifecycle.ts";
import { silentLog } from "#kit/log.ts";
import { createClusterKey } from "../../test/support/fake-component.ts";
import { createTestDatabase } from "../../test/support/test-database.ts";
import { start } from "./start.ts";

const cleanUp = new AsyncDisposableStack();
let key: ClusterKey;
let keyFile: string;

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), "backlot-manager-"));
  cleanUp.defer(() => rm(folder, { recursive: true, force: true }));
  key = await createClusterKey();
  keyFile = join(folder, "cluster.json");
  await writeFile(keyFile, JSON.stringify(key));
});
afterAll(() => cleanUp.disposeAsync());

async function startManager(databaseUrl: string, environment: Readonly<Record<string, string>> = {}): Promise<RunningService & { readonly url: string }> {
  const settings = { DATABASE_URL: databaseUrl, BACKLOT_CLUSTER_KEY_FILE: keyFile, BACKLOT_ORCHESTRATOR_URL: "http://127.0.0.1:1", BACKLOT_PORT: "0" };
  const running = await start({ ...settings, ...environment }, silentLog());
  return { ...running, url: running.doors.manager ?? "" };
}

const post = (url: string, body: unknown) => fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

describe("the first administrator", () => {
  test("sets a password by a link that works once and is printed, not logged", async () => {
    await using database = await createTestDatabase();
    const manager = await startManager(database.url);
    const secret = /\/setup\/([\w-]{43})$/.exec(manager.notices?.[0] ?? "")?.[1];
    expect((await post(`${manager.url}/api/v1/setup`, { secret: "x".repeat(43), password: "a good one" })).status).toBe(404);
    expect((await post(`${manager.url}/api/v1/setup`, { secret, password: "short" })).status).toBe(422);
    const done = await post(`${manager.url}/api/v1/setup`, { secret, password: "a good one" });
    expect(done.status).toBe(201);
    expect(await done.json()).toMatchObject({ user: { username: "admin", role: "administrator" } });
    expect(done.headers.get("set-cookie")).toContain("backlot_session=");
    expect((await post(`${manager.url}/api/v1/setup`, { secret, password: "another one" })).status).toBe(404);
    await manager.stop();
    const again = await startManager(database.url);
    expect(again.notices).toEqual([]);
    await again.stop();
  });

  test("two who redeem the link at once become one administrator", async () => {
    await using database = await createTestDatabase();
    const manager = await startManager(database.url);
    const secret = /[\w-]{43}$/.exec(manager.notices?.[0] ?? "")?.[0];
    const both = await Promise.all(["first one", "second one"].map((password) => post(`${manager.url}/api/v1/setup`, { secret, password })));
    expect(both.filter(({ status }) => status === 201)).toHaveLength(1);
    await manager.stop();
  });
});

describe("the sites' domain, of a manager that runs by itself,", () => {
  test.each([
    ["example.org", "https://lot.example.org"],
    ["localhost", "http://dash.localhost:8000"],
    ["sites.example.net", "https://lot.example.org", "https://{name}.example.org/"],
  ])("is refused in words when %s is or contains the dashboard's host in %s", async (domain, url, pattern = "") => {
    const addresses = { BACKLOT_SITES_DOMAIN: domain, BACKLOT_PUBLIC_URL: url, BACKLOT_SITES_URL_PATTERN: pattern };
    // Before anything of the database is touched: there is none.
    const starting = startManager("postgres://nobody@127.0.0.1:1/none", addresses);
    await expect(starting).rejects.toMatchObject({
      name: "ConfigError",
      problems: [expect.stringMatching(/^BACKLOT_SITES_DOMAIN: .* give the sites a domain of their own$/)],
    });
  });

  test.each(["http://localhost:8000", ""])("may be localhost beside a dashboard at localhost, said or not: %s", async (url) => {
    await using database = await createTestDatabase();
    const manager = await startManager(database.url, { BACKLOT_SITES_DOMAIN: "localhost", BACKLOT_PUBLIC_URL: url, BACKLOT_ADMIN_PASSWORD: "a good one" });
    expect((await fetch(`${manager.url}/readyz`)).status).toBe(200);
    await manager.stop();
  });
});

test("under TLS the session's cookie is secure and bound to its host", async () => {
  await using database = await createTestDatabase();
  const manager = await startManager(database.url, { BACKLOT_ADMIN_PASSWORD: "a good one", BACKLOT_PUBLIC_URL: "https://sites.example.org" });
  const response = await post(`${manager.url}/api/v1/session`, { username: "admin", password: "a good one" });
  expect(response.headers.getSetCookie()[0]).toMatch(/^__Host-backlot_session=[\w-]{43}; Max-Age=1209600; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
  await manager.stop();
});

describe("the route feed", () => {
  const claims: GrantRequest = { aud: "manager", sub: "router", site: "*", verbs: ["route.feed"] };
  const ask = (url: string, token: string) => fetch(`${url}/internal/v1/routes/feed`, { headers: { authorization: `Bearer ${token}` } });

  test("begins with a snapshot and a grant that can wake and put to sleep, and nothing else", async () => {
    await using database = await createTestDatabase();
    const manager = await startManager(database.url);
    const signer = await createSigner(componentSecret(key, "router"));
    const response = await ask(manager.url, await signer.sign(claims));
    expect(response.status).toBe(200);
    if (response.body === null) throw new Error("the feed has no body");
    for await (const event of readEvents(response.body)) {
      const first = routeFeedEvent.parse(JSON.parse(event.data));
      if (first.type !== "snapshot") throw new Error(`the feed began with ${first.type}`);
      expect(first.routes).toEqual([]);
      const grant: unknown = JSON.parse(Buffer.from(first.grant.split(".")[1] ?? "", "base64url").toString());
      expect(grant).toMatchObject({ aud: "orchestrator", sub: "router", site: "*", verbs: ["site.wake", "site.sleep", "site.report"] });
      break;
    }
    await manager.stop();
  });

  test("is for the router's own secret alone, and never for a person", async () => {
    await using database = await createTestDatabase();
    const manager = await startManager(database.url, { BACKLOT_ADMIN_PASSWORD: "a good one" });
    expect((await fetch(`${manager.url}/internal/v1/routes/feed`)).status).toBe(401);
    for (const component of components.filter((name) => name !== "router")) {
      const signer = await createSigner(componentSecret(key, component));
      expect((await ask(manager.url, await signer.sign(claims))).status, component).toBe(403);
    }
    // The manager's own signature opens doors elsewhere, not here.
    const signer = await createSigner(key.signingKey);
    expect((await ask(manager.url, await signer.sign(claims))).status).toBe(403);
    const router = await createSigner(componentSecret(key, "router"));
    for (const change of [{ verbs: ["site.wake"] }, { sub: "worker" }, { aud: "orchestrator" }] satisfies Partial<GrantRequest>[]) {
      expect((await ask(manager.url, await router.sign({ ...claims, ...change }))).status).toBe(403);
    }
    await manager.stop();
  });
});
