import type { FastifyInstance, InjectOptions } from "fastify";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Failure } from "#contract/failure.ts";
import { defaultRunLimits, type ScriptManual, type ScriptView } from "#contract/task.ts";
import type { User } from "#core/accounts/user.ts";
import type { AuditEntry } from "#core/audit/audit-store.ts";
import type { Task } from "#core/tasks/task.ts";
import { ConfigError } from "#kit/config.ts";
import { createServer } from "#kit/http/server.ts";
import { silentLog } from "#kit/log.ts";
import { user } from "../../../test/support/builders.ts";
import { FakeLegacyTaskStore } from "../../../test/support/fake-legacy-task-store.ts";
import { BasicSignIn } from "./basic-sign-in.ts";
import { checkOpenApi } from "./legacy-guard.ts";
import { type LegacyTasksDeps, mountLegacyTasks } from "./legacy-tasks-api.ts";

let now = new Date("2018-12-23T21:26:14.356Z");
let people: Map<string, { user: User; password: string }>;
let verified: number;
let failures: number;
let tasks: FakeLegacyTaskStore;
let audit: AuditEntry[];
let manuals: Record<string, ScriptManual>;
let app: FastifyInstance;

const basicOf = (username: string, password: string): string => `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
const root = basicOf("root", "correct horse: battery");

function signInDeps() {
  return {
    users: {
      byUsername: async (username: string) => people.get(username)?.user ?? null,
      withPasswordHash: async (username: string) => {
        const found = people.get(username);
        return found === undefined ? null : { user: found.user, passwordHash: `hash of ${found.password}` };
      },
    } as never,
    attempts: {
      count: async () => ({ pair: failures, address: failures, account: failures, isFamiliar: false, lastAt: now }),
      recordFailure: async () => {
        failures += 1;
      },
      recordSuccess: async () => {
        failures = 0;
      },
    } as never,
    hasher: {
      hash: async (password: string) => `hash of ${password}`,
      verify: async (stored: string, password: string) => {
        verified += 1;
        return stored === `hash of ${password}`;
      },
    },
    now: () => now,
    decoyHash: "nobody's",
  };
}

async function serve(changes: Partial<LegacyTasksDeps> = {}): Promise<FastifyInstance> {
  const server = createServer({ log: silentLog() });
  await mountLegacyTasks(server, {
    tasks,
    audit: { record: async (entry: AuditEntry) => void audit.push(entry) } as never,
    scripts: { find: async (_site, path) => (manuals[path] === undefined ? null : { manual: manuals[path] }) as ScriptView | null },
    allowsCommands: false,
    maxWaiting: 10,
    now: () => now,
    basic: new BasicSignIn(signInDeps()),
    isOpen: false,
    person: async (shape, request) => {
      const { authorization } = request.headers;
      if (authorization === "Bearer reads only") throw new Failure("scope_too_small", { scope: "scope" in shape.access ? shape.access.scope : "" });
      if (authorization !== "Bearer good") throw new Failure("not_signed_in");
      return {
        actor: { user: user({ id: 3, username: "tess", role: "administrator" }), scopes: ["tasks"], door: "api", address: request.ip },
        sessionId: null,
      };
    },
    ...changes,
  });
  return server;
}

beforeEach(async () => {
  now = new Date("2018-12-23T21:26:14.356Z");
  people = new Map([
    ["root", { user: user({ id: 1, username: "root", role: "administrator" }), password: "correct horse: battery" }],
    ["ada", { user: user({ id: 2, username: "ada" }), password: "secret" }],
  ]);
  verified = 0;
  failures = 0;
  tasks = new FakeLegacyTaskStore(() => now);
  audit = [];
  manuals = {};
  app = await serve();
});
afterEach(() => app.close());

const ask = (method: string, url: string, more: Omit<InjectOptions, "method" | "url"> = {}) =>
  app.inject({ method: method as "GET", url, ...more, headers: { authorization: root, ...more.headers } });
const get = (url: string) => ask("GET", url);
const send = (body: string | object, headers: Record<string, string> = {}) =>
  ask("POST", "/task/create", { payload: typeof body === "string" ? body : JSON.stringify(body), headers });
const touch = { script: "touch.sh", arguments: { "": "sample_file.txt" } };

describe("creating a task", () => {
  it("answers 201 with the row as Python writes it, and queues it for the home folder", async () => {
    const answer = await send(touch);
    expect(answer.statusCode).toBe(201);
    expect(answer.headers["content-type"]).toBe("application/json");
    const uid = tasks.created[0]?.uid;
    expect(uid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/);
    expect(answer.body).toBe(
      `{"id": 1, "uid": "${uid}", "created": "2018-12-23T21:26:14.356000Z", "script": "touch.sh", "arguments": {"": "sample_file.txt"}, ` +
        '"started": null, "finished": null, "diskspace_before": null, "diskspace_after": null, "retcode": null}',
    );
    expect(tasks.created).toEqual([
      {
        uid,
        siteId: null,
        program: { kind: "script", path: "touch.sh" },
        arguments: ["sample_file.txt"],
        legacy: { script: "touch.sh", arguments: [["", "sample_file.txt"]] },
        sealedEnvironment: null,
        environmentNames: [],
        priority: 0,
        retry: { retries: 0, delaySeconds: 10, onLost: "fail" },
        limits: defaultRunLimits,
        scriptConcurrency: null,
        createdById: 1,
        scheduleId: null,
        rerunOf: null,
        idempotencyKey: null,
        runAt: null,
      },
    ]);
    expect(audit).toMatchObject([{ actorId: 1, actorName: "root", action: "tasks.create", details: { uid, script: "touch.sh" } }]);
  });

  it.each([
    "application/json",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/json; charset=latin-1",
    "nonsense",
    ";;",
    "",
  ])("reads the body as JSON in UTF-8 whatever its type says: %j", async (type) => {
    const answer = await send('{"script": "touch.sh", "arguments": {"": "héllo"}}', { "content-type": type });
    expect(answer.statusCode).toBe(201);
    expect(answer.body).toContain('"arguments": {"": "h\\u00e9llo"}');
    expect(tasks.created[0]?.arguments).toEqual(["héllo"]);
  });

  it("takes what the script's own manual says", async () => {
    manuals["touch.sh"] = { timeoutSeconds: 5, priority: 7, concurrency: 2, retry: { retries: 3, delaySeconds: 1, onLost: "retry" }, limits: { pids: 9 } };
    await send(touch);
    expect(tasks.created[0]).toMatchObject({
      priority: 7,
      scriptConcurrency: 2,
      retry: { retries: 3, delaySeconds: 1, onLost: "retry" },
      limits: { ...defaultRunLimits, timeoutMs: 5000, pids: 9 },
    });
  });

  it("takes a task while nobody can tell what stands beside the script", async () => {
    app = await serve({
      scripts: {
        find: async () => {
          throw new Failure("component_away", { component: "orchestrator" });
        },
      },
    });
    expect((await send(touch)).statusCode).toBe(201);
    expect(tasks.created[0]?.limits).toEqual(defaultRunLimits);
  });

  it.each([
    ["{", /^\{"detail": "JSON parse error - .+"\}$/],
    ["", /^\{"detail": "JSON parse error - .+"\}$/],
    ['{"script": "ls.sh", "arguments": {"": NaN}}', /^\{"detail": "JSON parse error - .+"\}$/],
    ['{"script": "ls.sh", "arguments": {"": 1e999}}', /^\{"detail": "JSON parse error - the number 1e999 is too large"\}$/],
    [`{"script": "ls.sh", "arguments": ${"[".repeat(5000)}${"]".repeat(5000)}}`, /nested deeper than 200 levels/],
    ["[]", /^\{"non_field_errors": \["Invalid data. Expected a dictionary, but got list."\]\}$/],
    ['"x"', /^\{"non_field_errors": \["Invalid data. Expected a dictionary, but got str."\]\}$/],
    ["{}", /^\{"script": \["This field is required."\], "arguments": \["This field is required."\]\}$/],
    ['{"script": "ls.sh", "arguments": {"": "it\'s"}}', /^\{"arguments": \["A quotation mark in it is not closed."\]\}$/],
    [`{"script": "ls.sh", "arguments": {"": "${"x".repeat(40_000)}"}}`, /^\{"arguments": \["Ensure this field has no more than 32768 characters."\]\}$/],
    ["x".repeat(1_100_000), /^\{"detail": "The body is larger than 1048576 bytes."\}$/],
  ])("answers 400, not 500, to %.60s", async (body, expected) => {
    const answer = await send(body);
    expect([answer.statusCode, answer.headers["content-type"]]).toEqual([400, "application/json"]);
    expect(answer.body).toMatch(expected);
    expect(tasks.created).toEqual([]);
  });

  it("answers 400 to a body that is not UTF-8", async () => {
    const answer = await ask("POST", "/task/create", { payload: Buffer.from([0x7b, 0xff, 0x7d]) });
    expect([answer.statusCode, answer.body]).toEqual([400, '{"detail": "JSON parse error - the body is not UTF-8"}']);
  });

  it("takes a script that nobody knows, and one that leads out, which is never run", async () => {
    expect((await send({ script: "nothing.sh", arguments: {} })).statusCode).toBe(201);
    const answer = await send({ script: "../../bin/ls", arguments: {} });
    expect(answer.statusCode).toBe(201);
    expect(answer.json()).toMatchObject({ script: "../../bin/ls" });
    expect(tasks.created[1]?.program).toEqual({ kind: "script", path: `no such script (${tasks.created[1]?.uid})` });
  });

  it("hands the line to a shell where commands are switched on", async () => {
    app = await serve({ allowsCommands: true });
    await send({ script: "echo", arguments: { "": "Hello World!" } });
    expect(tasks.created[0]?.program).toEqual({ kind: "script", path: "echo", orCommand: "echo Hello World!", shellArguments: "Hello World!" });
  });

  it("takes no results from a client", async () => {
    const answer = await send({ ...touch, retcode: 0, finished: "2018-12-24T05:28:12Z", id: 9, uid: "x" });
    expect(answer.json()).toMatchObject({ id: 1, retcode: null, finished: null });
  });

  it("says when too many wait", async () => {
    app = await serve({
      tasks: Object.assign(new FakeLegacyTaskStore(() => now), {
        create: async () => {
          throw new Failure("task_limit_reached", { count: 10 });
        },
      }),
    });
    const answer = await send(touch);
    expect([answer.statusCode, answer.json()]).toEqual([409, { detail: expect.stringContaining("10 tasks wait already") }]);
  });

  it.each(["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])("is not for %s: 405 with nothing in it", async (method) => {
    const answer = await ask(method, "/task/create");
    expect([answer.statusCode, answer.body, answer.headers.allow]).toEqual([405, "", undefined]);
  });
});

describe("looking at tasks", () => {
  let uid: string;
  beforeEach(async () => {
    uid = (await send(touch)).json<{ uid: string }>().uid;
  });

  it("finds one by its number, leading zeros too, and by its uid in every form", async () => {
    const { body } = await get("/task/view/pk:1");
    expect(body).toMatch(/^\{"id": 1, /);
    expect((await get("/task/view/pk:0001")).body).toBe(body);
    for (const form of [uid, uid.toUpperCase(), uid.replaceAll("-", ""), `%7B${uid}%7D`, `urn:uuid:${uid}`]) {
      const answer = await get(`/task/view/uid:${form}`);
      expect([answer.statusCode, answer.headers["content-type"], answer.body]).toEqual([200, "application/json", body]);
    }
  });

  it.each([
    "/task/view/pk:2",
    "/task/view/pk:99999999999999999999",
    "/task/view/uid:604a5e38-06f9-11e9-a0e9-0242ac140004",
    "/task/view/pk:x",
    "/task/create/",
    "/task/nothing",
  ])("answers 404 with nothing in it to %s", async (url) => {
    const answer = await get(url);
    expect([answer.statusCode, answer.body]).toEqual([404, ""]);
  });

  it("answers 400 in plain text to what is no uid: nothing of it is HTML", async () => {
    const answer = await get("/task/view/uid:%3Cimg%20src=x%20onerror=alert(1)%3E");
    expect([answer.statusCode, answer.headers["content-type"], answer.headers["x-content-type-options"]]).toEqual([
      400,
      "text/plain; charset=utf-8",
      "nosniff",
    ]);
    expect(answer.body).toBe("'<img src=x onerror=alert(1)>' is not a valid UUID.");
  });

  it("lists and counts those of a UTC day", async () => {
    now = new Date("2018-12-24T00:00:00Z");
    await send({ script: "mkdir.sh", arguments: { "-p": "", "": "sample_dir" } });
    const list = await get("/task/view/date:20181223");
    expect([list.statusCode, list.headers["content-type"]]).toEqual([200, "application/json"]);
    expect(list.body).toMatch(/^\[\{"id": 1, .*"arguments": "\{'': 'sample_file.txt'\}", .*\}\]$/);
    expect((await get("/task/view/date:today")).body).toMatch(/^\[\{"id": 2, .*"arguments": "\{'-p': '', '': 'sample_dir'\}"/);
    const count = await get("/task/view/date:20181223/count");
    expect([count.body, count.headers["content-type"]]).toEqual(["1", "application/json"]);
    expect((await get("/task/view/date:today/count")).body).toBe("1");
    expect((await get("/task/view/date:20181222")).body).toBe("[]");
    expect((await get("/task/view/date:20181222/count")).body).toBe("0");
  });

  it.each(["2018-12-23", "20181301", "%20", "yesterday"])("answers 400 to the date %s, with the original's misspelling", async (date) => {
    for (const url of [`/task/view/date:${date}`, `/task/view/date:${date}/count`]) {
      const answer = await get(url);
      expect([answer.statusCode, answer.body]).toEqual([400, "Invalid date. Use YYYMMDD."]);
    }
  });

  it.each(["POST", "PUT", "DELETE", "HEAD"])("is only for GET: %s of what is there is 405, of what is not 404", async (method) => {
    for (const url of ["/task/view/pk:1", `/task/view/uid:${uid}`, "/task/view/date:today", "/task/view/date:today/count"]) {
      expect((await ask(method, url)).statusCode).toBe(405);
    }
    expect((await ask(method, "/task/view/pk:2")).statusCode).toBe(404);
    expect((await ask(method, "/task/view/uid:x")).statusCode).toBe(400);
  });

  it("greets", async () => {
    const answer = await get("/task/");
    expect([answer.statusCode, answer.headers["content-type"], answer.body]).toEqual([200, "text/html; charset=utf-8", "Hello, world"]);
  });
});

describe("the charts", () => {
  it.each(["2026-01-31", "2026-02-28", "2028-02-29", "2026-04-30"])("show every day of the month of %s", async (last) => {
    now = new Date(`${last}T23:59:59.500Z`);
    await send(touch);
    tasks.change(1, { finishedAt: now, result: { diskAfterBytes: 3_196_328 * 1024 } as Task["result"] });
    const days = Number(last.slice(8));
    const daily = await get("/task/charts/daily");
    expect([daily.statusCode, daily.headers["content-type"]]).toEqual([200, "text/html; charset=utf-8"]);
    expect(daily.body).toContain("<h1>Daily Task Count Data This Month</h1>");
    expect(daily.body.match(/<tr><th scope="row">/g)).toHaveLength(days);
    expect(daily.body).toContain(`<tr><th scope="row">${last}</th><td>1</td></tr>`);
    const disk = await get("/task/charts/disk");
    expect(disk.body).toContain("<h1>Disk Space Remaining This Month</h1>");
    expect(disk.body).toContain(`<tr><th scope="row">1</th><td>${last} 23:59</td><td>3\u202f196\u202f328</td></tr>`);
  });

  it("load and run nothing, and their one style sheet is let through by its hash", async () => {
    for (const url of ["/task/charts/daily", "/task/charts/disk"]) {
      const answer = await get(url);
      expect(answer.headers["content-security-policy"]).toMatch(/^default-src 'none'; style-src 'sha256-[\w+/]+='; /);
      expect(answer.body).not.toMatch(/<script|\bsrc=|https?:|@import|\bstyle="/);
    }
  });

  it("answer 405 to what is not reading, and say so", async () => {
    const answer = await ask("POST", "/task/charts/daily");
    expect([answer.statusCode, answer.headers.allow]).toEqual([405, "GET, HEAD, OPTIONS"]);
    expect((await ask("OPTIONS", "/task/charts/disk")).statusCode).toBe(200);
    expect((await ask("HEAD", "/task/charts/disk")).statusCode).toBe(200);
  });
});

describe("who may", () => {
  const bare = (method: "GET" | "POST", headers: Record<string, string> = {}, url = method === "GET" ? "/task/view/date:today" : "/task/create") =>
    app.inject({ method, url, headers, ...(method === "POST" ? { payload: JSON.stringify(touch) } : {}) });

  it.each(["/task/", "/task/create", "/task/view/pk:1", "/task/view/uid:x", "/task/view/date:x", "/task/charts/daily", "/task/charts/disk", "/task/nothing"])(
    "nobody without a name sees %s",
    async (url) => {
      for (const method of ["GET", "POST"] as const) {
        const answer = await bare(method, {}, url);
        expect([answer.statusCode, answer.headers["www-authenticate"]]).toEqual([401, 'Basic realm="Backlot", charset="UTF-8"']);
      }
      expect(tasks.created).toEqual([]);
    },
  );

  it("is asked before anything of the body is read", async () => {
    const { promise: isRead, resolve } = Promise.withResolvers<void>();
    const payload = async function* () {
      resolve();
      yield "{";
      await new Promise(() => undefined);
    };
    const address = await app.listen({ host: "127.0.0.1", port: 0 });
    const controller = new AbortController();
    const answer = await fetch(`${address}/task/create`, {
      method: "POST",
      body: ReadableStream.from(payload()) as never,
      duplex: "half",
      signal: controller.signal,
    });
    await isRead;
    expect(answer.status).toBe(401);
    controller.abort();
  });

  it("takes an administrator by HTTP Basic or by a token with the scope", async () => {
    expect((await bare("POST", { authorization: root })).statusCode).toBe(201);
    expect((await bare("POST", { authorization: "Bearer good" })).statusCode).toBe(201);
    expect(tasks.created.map((task) => task.createdById)).toEqual([1, 3]);
  });

  it.each([
    ["Bearer bad", 401],
    ["Bearer reads only", 403],
    [basicOf("root", "wrong"), 401],
    [basicOf("nobody", "x"), 401],
    [basicOf("ada", "secret"), 403],
    ["Basic", 401],
    ["Basic !!!", 401],
    [`Basic ${Buffer.from("no colon").toString("base64")}`, 401],
    ["Digest x", 401],
  ])("refuses %s with %i, as JSON with a detail", async (authorization, status) => {
    const answer = await bare("POST", { authorization });
    expect([answer.statusCode, answer.headers["content-type"]]).toEqual([status, "application/json"]);
    expect(Object.keys(answer.json<object>())).toEqual(["detail"]);
    expect(tasks.created).toEqual([]);
  });

  it("checks a password once for many requests, together or one after the other", async () => {
    await Promise.all(Array.from({ length: 20 }, () => bare("GET", { authorization: root })));
    await bare("GET", { authorization: root });
    expect(verified).toBe(1);
  });

  it("forgets at once a password that was changed, a role that was taken, an account that was closed", async () => {
    const password = "correct horse: battery";
    expect((await bare("GET", { authorization: root })).statusCode).toBe(200);
    people.set("root", { user: user({ id: 1, username: "root", role: "administrator", epoch: 1 }), password: "another" });
    expect((await bare("GET", { authorization: root })).statusCode).toBe(401);
    people.set("root", { user: user({ id: 1, username: "root", role: "administrator", epoch: 2 }), password });
    expect((await bare("GET", { authorization: root })).statusCode).toBe(200);
    people.set("root", { user: user({ id: 1, username: "root", role: "member", epoch: 2 }), password });
    expect((await bare("GET", { authorization: root })).statusCode).toBe(403);
    people.set("root", { user: user({ id: 1, username: "root", role: "member", epoch: 2, isActive: false }), password });
    expect((await bare("GET", { authorization: root })).statusCode).toBe(401);
  });

  it("slows down who guesses", async () => {
    for (let count = 0; count < 5; count += 1) expect((await bare("GET", { authorization: basicOf("root", `guess ${count}`) })).statusCode).toBe(401);
    const answer = await bare("GET", { authorization: root });
    expect([answer.statusCode, Number(answer.headers["retry-after"])]).toEqual([429, 5]);
  });

  it("refuses what another page sends with a browser's remembered password", async () => {
    for (const origin of ["https://evil.example", "null", "http://name.localhost:8080"]) {
      expect((await bare("POST", { authorization: root, origin, host: "localhost:8000" })).statusCode).toBe(403);
    }
    expect((await bare("POST", { authorization: root, origin: "http://localhost:8000", host: "localhost:8000" })).statusCode).toBe(201);
  });
});

describe("the open API", () => {
  beforeEach(async () => {
    app = await serve({ isOpen: true });
  });
  const post = (headers: Record<string, string>) => app.inject({ method: "POST", url: "/task/create", payload: JSON.stringify(touch), headers });

  it.each(["localhost:8000", "127.0.0.1:8000", "[::1]:8000", "localhost"])("lets in whoever is on this machine, as %s", async (host) => {
    expect((await post({ host })).statusCode).toBe(201);
    expect(tasks.created[0]?.createdById).toBeNull();
    expect(audit[0]).toMatchObject({ actorId: null, action: "tasks.create" });
  });

  it("does not let in pages of others, nor names of others that lead here", async () => {
    expect((await post({ host: "localhost:8000", origin: "http://chess.localhost:8080" })).statusCode).toBe(403);
    expect((await post({ host: "rebound.example:8000" })).statusCode).toBe(403);
    expect((await app.inject({ url: "/task/view/date:today", headers: { host: "rebound.example" } })).statusCode).toBe(403);
    expect(tasks.created).toEqual([]);
  });

  it("still refuses a wrong password", async () => {
    expect((await post({ host: "localhost", authorization: basicOf("root", "wrong") })).statusCode).toBe(401);
  });

  it.each([
    ["0.0.0.0", undefined],
    ["::", undefined],
    ["192.168.1.5", undefined],
    ["lot.example.org", undefined],
    ["127.0.0.1", "https://lot.example.org"],
  ])("does not start at %s shown as %s", (host, publicUrl) => {
    expect(() => checkOpenApi({ isOpen: true, host, publicUrl })).toThrow(ConfigError);
    expect(() => checkOpenApi({ isOpen: true, host, publicUrl })).toThrow(/BACKLOT_TASK_API_OPEN.*unset BACKLOT_TASK_API_OPEN/);
    expect(() => checkOpenApi({ isOpen: false, host, publicUrl })).not.toThrow();
  });

  it.each([
    ["127.0.0.1", undefined],
    ["::1", "http://localhost:8000"],
    ["localhost", "http://127.0.0.1:8000"],
  ])("starts at %s shown as %s", (host, publicUrl) => {
    expect(() => checkOpenApi({ isOpen: true, host, publicUrl })).not.toThrow();
  });
});
