import { once } from "node:events";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { adminPassword, type ManagerBench, startManagerBench } from "../../test/support/manager-bench.ts";
import { TerminalClient } from "../../test/support/terminal-client.ts";

let bench: ManagerBench;
let token: string;
beforeAll(async () => {
  bench = await startManagerBench();
  token = await bench.person("ada");
  await bench.person("bob");
  await bench.person("eve");
  await createSite("adas");
});
afterAll(() => bench[Symbol.asyncDispose]());

async function createSite(name: string): Promise<void> {
  const response = await bench.request("/api/v1/sites", { method: "POST", as: "ada", json: { name, kind: "static" } });
  const { operation } = (await response.json()) as { operation: { id: string } };
  await (await bench.request(`/api/v1/operations/${operation.id}/events`, { as: "ada" })).text();
}

async function openTerminal(as: string, site = "adas"): Promise<string> {
  const response = await bench.request(`/api/v1/sites/${site}/terminals`, { method: "POST", as, json: { size: { cols: 80, rows: 24 } } });
  expect(response.status).toBe(201);
  return ((await response.json()) as { terminal: { id: string } }).terminal.id;
}

const address = (id: string, site = "adas"): string => `${bench.url.replace("http", "ws")}/api/v1/sites/${site}/terminals/${id}/socket`;

/** The status of a refusal, and its code. */
async function refusalOf(url: string, headers: Record<string, string>): Promise<unknown> {
  const socket = new WebSocket(url, { headers });
  socket.on("error", () => undefined);
  const answered = once(socket, "unexpected-response");
  const opened = once(socket, "open").then(() => "it was opened");
  const answer = await Promise.race([answered, opened]);
  if (typeof answer === "string") return answer;
  const chunks: Buffer[] = [];
  for await (const chunk of answer[1]) chunks.push(chunk);
  return [answer[1].statusCode, (JSON.parse(Buffer.concat(chunks).toString()) as { code: string }).code];
}

async function connect(id: string, headers: Record<string, string>, query = "", site = "adas"): Promise<TerminalClient> {
  const socket = new WebSocket(`${address(id, site)}${query}`, { headers });
  const client = new TerminalClient(socket);
  await once(socket, "open");
  return client;
}

const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });

async function cookieOf(username: string, password: string): Promise<string> {
  const response = await bench.request("/api/v1/session", { method: "POST", json: { username, password } });
  return response.headers.get("set-cookie")?.split(";")[0] ?? "";
}

async function run(sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: bench.databaseUrl });
  await client.connect();
  await client.query(sql);
  await client.end();
}

test("a terminal is opened on its person's behalf, noted, listed and closed", async () => {
  const id = await openTerminal("ada");
  const listed = (await (await bench.request("/api/v1/sites/adas/terminals", { as: "ada" })).json()) as { terminals: { id: string }[] };
  expect(listed.terminals.map((terminal) => terminal.id)).toContain(id);
  expect((await bench.request(`/api/v1/sites/adas/terminals/${id}`, { method: "DELETE", as: "ada" })).status).toBe(204);
  const { asked } = bench.orchestrator.state.terminals;
  expect(asked.map(({ what }) => what)).toEqual(["open", "list", "close"]);
  expect(new Set(asked.map(({ user }) => user)).size).toBe(1);
  expect(asked[0]?.user).toBeGreaterThan(0);
  const audit = (await (await bench.request("/api/v1/audit", { as: "admin" })).json()) as { entries: { action: string }[] };
  expect(audit.entries.map(({ action }) => action)).toContain("terminal.open");
});

test("bytes and orders go through in both directions, from the byte that was asked for", async () => {
  const client = await connect(await openTerminal("ada"), bearer(token), "?from=7");
  await client.event("attached");
  client.type(Buffer.from([0, 255, 10, 27]));
  await client.until(({ shown }) => shown === "\u0000\u00ff\n\u001b");
  client.order({ type: "resize", cols: 100, rows: 30 });
  await expect.poll(() => bench.orchestrator.state.terminals.orders).toContain('{"type":"resize","cols":100,"rows":30}');
  expect(bench.orchestrator.state.terminals.query.at(-1)).toEqual({ from: 7 });
  const far = bench.orchestrator.state.terminals.sockets.at(-1);
  client.socket.close();
  await expect.poll(() => far?.readyState).toBe(WebSocket.CLOSED);
});

test("a page of another origin cannot open one with the cookie of somebody who is signed in", async () => {
  const id = await openTerminal("admin");
  const cookie = await cookieOf("admin", adminPassword);
  for (const origin of ["http://evil.example", "http://adas.localhost:8080", "null", `${bench.url}.evil.example`]) {
    expect(await refusalOf(address(id), { cookie, origin }), origin).toEqual([403, "origin_refused"]);
  }
  expect(await refusalOf(address(id), { cookie })).toEqual([403, "origin_refused"]);
  const client = await connect(id, { cookie, origin: bench.url });
  await client.event("attached");
  client.socket.close();
});

test("nobody, strangers and viewers are refused before anything is upgraded", async () => {
  const id = await openTerminal("ada");
  expect(await refusalOf(address(id), {})).toEqual([401, "not_signed_in"]);
  expect(await refusalOf(address(id), bearer(await bench.person("mallory")))).toEqual([404, "site_not_found"]);
  await bench.request("/api/v1/sites/adas/members/bob", { method: "PUT", as: "ada", json: { role: "viewer" } });
  const viewing = await bench.request("/api/v1/sites/adas/terminals", { method: "POST", as: "bob", json: { size: { cols: 80, rows: 24 } } });
  expect([viewing.status, ((await viewing.json()) as { code: string }).code]).toEqual([404, "role_too_low"]);
  const made = await bench.request("/api/v1/tokens", { method: "POST", as: "ada", json: { name: "x", scopes: ["files"] } });
  const { secret } = (await made.json()) as { secret: string };
  expect(await refusalOf(address(id), bearer(secret))).toEqual([403, "scope_too_small"]);
  expect(await refusalOf(address("terminal-999"), bearer(token))).toEqual([404, "terminal_not_found"]);
});

test("a member who is removed sees no more of it", async () => {
  await bench.request("/api/v1/sites/adas/members/eve", { method: "PUT", as: "ada", json: { role: "editor" } });
  const client = await connect(await openTerminal("eve"), bearer(await bench.person("eve")));
  await client.event("attached");
  const beganAt = Date.now();
  await bench.request("/api/v1/sites/adas/members/eve", { method: "DELETE", as: "ada" });
  expect(await client.event("closed")).toEqual({ type: "closed", reason: "access_changed" });
  // Milliseconds on a quiet machine; what nobody judges in time ends after a second and a half, as the table of epochs has it.
  expect(Date.now() - beganAt).toBeLessThan(10_000);
});

test("an API token that is taken back, and a session that is signed out, close what they opened", async () => {
  const id = await openTerminal("ada");
  const made = await bench.request("/api/v1/tokens", { method: "POST", as: "ada", json: { name: "short" } });
  const short = (await made.json()) as { id: string; secret: string };
  const client = await connect(id, bearer(short.secret));
  await client.event("attached");
  await bench.request(`/api/v1/tokens/${short.id}`, { method: "DELETE", as: "ada" });
  await client.event("closed");
  const cookie = await cookieOf("ada", "a password");
  const signedIn = await connect(id, { cookie, origin: bench.url });
  await signedIn.event("attached");
  await bench.request("/api/v1/session", { method: "DELETE", headers: { cookie, origin: bench.url } });
  await signedIn.event("closed");
});

test("a terminal stays open while its site gets another name, and ends with its session, which it does not prolong", async () => {
  await createSite("before");
  const id = await openTerminal("ada", "before");
  const cookie = await cookieOf("ada", "a password");
  const headers = { cookie, origin: bench.url };
  const [byToken, bySession] = await Promise.all([connect(id, bearer(token), "", "before"), connect(id, headers, "", "before")]);
  await Promise.all([byToken.event("attached"), bySession.event("attached")]);
  const renamed = await bench.request("/api/v1/sites/before", { method: "PATCH", as: "ada", json: { name: "after" } });
  expect(renamed.status).toBe(200);
  // As if it were seen last so long ago that any use would be noted, and its end moved: the next look comes before that end.
  await run("update sessions set last_seen_at = now() - interval '13 days', expires_at = now() + interval '8 seconds'");
  await bySession.event("closed");
  // Far more often than that somebody has looked whether the token still counts.
  expect(byToken.events.filter(({ type }) => type === "closed")).toEqual([]);
  byToken.type(Buffer.from("on"));
  await byToken.until(({ shown }) => shown.endsWith("on"));
  byToken.socket.close();
}, 60_000);

test("an orchestrator that goes away closes the socket with a code after which it is worth trying again", async () => {
  const client = await connect(await openTerminal("ada"), bearer(token));
  await client.event("attached");
  bench.orchestrator.state.terminals.sockets.at(-1)?.terminate();
  await client.until(({ closedWith }) => closedWith === 1013);
});

test("without isolation only administrators' sites are entered", async () => {
  await using other = await startManagerBench();
  other.orchestrator.state.isolates = false;
  await other.person("ada");
  const made = await other.request("/api/v1/sites", { method: "POST", as: "ada", json: { name: "hers", kind: "static" } });
  expect(made.status).toBe(201);
  const refused = await other.request("/api/v1/sites/hers/terminals", { method: "POST", as: "ada", json: { size: { cols: 80, rows: 24 } } });
  expect(((await refused.json()) as { code: string }).code).toBe("isolation_missing");
});
