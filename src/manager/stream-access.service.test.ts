import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fakeScript } from "../../test/support/fake-runs.ts";
import { type ManagerBench, startManagerBench } from "../../test/support/manager-bench.ts";

let bench: ManagerBench;
/** Everything that a client can follow. */
let paths: readonly string[];

beforeAll(async () => {
  bench = await startManagerBench();
  const { runs } = bench.orchestrator.state;
  // Runs begin and go on.
  runs.plan = () => ({ afterMs: null });
  await bench.person("ada");
  const made = await bench.request("/api/v1/sites", { method: "POST", as: "ada", json: { name: "adas", kind: "static" } });
  const { site, operation } = (await made.json()) as { site: { id: number }; operation: { id: string } };
  await (await bench.request(`/api/v1/operations/${operation.id}/events`, { as: "ada" })).text();
  runs.siteScripts.set(site.id, [fakeScript("backup.sh")]);
  const created = await bench.request("/api/v1/tasks", { method: "POST", as: "ada", json: { script: "backup.sh", site: "adas", runAt: inAWeek() } });
  const { task } = (await created.json()) as { task: { uid: string } };
  const [ofSite, ofTask] = ["/api/v1/sites/adas", `/api/v1/tasks/${task.uid}`];
  paths = ["/api/v1/events", `${ofSite}/logs?follow=true`, `${ofSite}/changes?folder=public`, `${ofTask}/events`, `${ofTask}/logs/stdout?follow=true`];
});
afterAll(() => bench[Symbol.asyncDispose]());

function inAWeek(): string {
  return new Date(Date.now() + 7 * 86_400_000).toISOString();
}

type Headers = Readonly<Record<string, string>>;

async function newToken(): Promise<{ readonly id: string; readonly headers: Headers }> {
  const made = await bench.request("/api/v1/tokens", { method: "POST", as: "ada", json: { name: "short" } });
  const { id, secret } = (await made.json()) as { id: string; secret: string };
  return { id, headers: { authorization: `Bearer ${secret}` } };
}

async function newSession(): Promise<Headers> {
  const response = await bench.request("/api/v1/session", { method: "POST", json: { username: "ada", password: "a password" } });
  return { cookie: response.headers.get("set-cookie")?.split(";")[0] ?? "", origin: bench.url };
}

/** Follows everything, and resolves when all of it has ended. */
async function followAll(headers: Headers): Promise<{ readonly ended: Promise<unknown>; readonly open: () => number }> {
  const responses = await Promise.all(paths.map((path) => bench.request(path, { headers })));
  expect(responses.map(({ status }) => status)).toEqual(paths.map(() => 200));
  let open = responses.length;
  const ended = Promise.all(
    responses.map(async (response) => {
      await response.text();
      open -= 1;
    }),
  );
  return { ended, open: () => open };
}

async function run(sql: string, values: readonly unknown[] = []): Promise<void> {
  const client = new pg.Client({ connectionString: bench.databaseUrl });
  await client.connect();
  await client.query(sql, [...values]);
  await client.end();
}

test("a token that is taken back ends what it follows, and nothing that another one follows", async () => {
  const [short, other] = [await newToken(), await newToken()];
  const [following, others] = [await followAll(short.headers), await followAll(other.headers)];
  await bench.request(`/api/v1/tokens/${short.id}`, { method: "DELETE", as: "ada" });
  await following.ended;
  expect(others.open()).toBe(paths.length);
  await bench.request(`/api/v1/tokens/${other.id}`, { method: "DELETE", as: "ada" });
  await others.ended;
}, 60_000);

test("a token that expires ends what it follows", async () => {
  const { id, headers } = await newToken();
  const following = await followAll(headers);
  await run("update api_tokens set expires_at = now() where id = $1", [id]);
  await following.ended;
}, 60_000);

test("signing out ends what the session follows", async () => {
  const headers = await newSession();
  const following = await followAll(headers);
  expect((await bench.request("/api/v1/session", { method: "DELETE", headers })).status).toBe(204);
  await following.ended;
}, 60_000);

test("a session expires although something is open with it", async () => {
  const headers = await newSession();
  const following = await followAll(headers);
  // As if it were seen last so long ago that any use would be noted, and its end moved: the next look comes before that end.
  await run("update sessions set last_seen_at = now() - interval '13 days', expires_at = now() + interval '6 seconds'");
  await following.ended;
}, 60_000);

test("a person follows the changes of sites by so many streams at most", async () => {
  const { headers } = await newToken();
  const clients = Array.from({ length: 32 }, () => new AbortController());
  const open = () => bench.request("/api/v1/events", { headers });
  const streams = await Promise.all(clients.map(({ signal }) => bench.request("/api/v1/events", { headers, signal })));
  expect(streams.map(({ status }) => status)).toEqual(Array(32).fill(200));
  const refused = await open();
  expect([refused.status, await refused.json()]).toEqual([429, expect.objectContaining({ code: "stream_limit_reached", details: { count: 32 } })]);
  for (const client of clients) client.abort();
  await expect.poll(async () => (await open()).status, { timeout: 20_000 }).toBe(200);
}, 60_000);
