import { execFile } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { createToken } from "#contract/api/accounts.ts";
import { changePath, listHistory } from "#contract/api/files.ts";
import { createKey } from "#contract/api/keys.ts";
import { removeMember, setMember } from "#contract/api/members.ts";
import { createSchedule } from "#contract/api/schedules.ts";
import { deploySite, followSites } from "#contract/api/sites.ts";
import { createTask, listTasks, readTask, readTaskLog, type TaskBody } from "#contract/api/tasks.ts";
import { openTerminal } from "#contract/api/terminals.ts";
import { readEvents } from "#contract/events.ts";
import { isTaskEnded } from "#contract/task.ts";
import { type Backlot, checkout, startBacklot } from "../support/backlot.ts";
import { packed } from "../support/backlot-archive.ts";
import type { Person } from "../support/backlot-person.ts";
import type { Visited, VisitInit } from "../support/backlot-visit.ts";
import { expectNothingReached, type HostileFindings, readFindings } from "../support/hostile-site-findings.ts";
import { titled, whyNoSandbox, whyNotPython } from "../support/needs.ts";
import { atEveryAddress, neighbourAddresses, platformTargets } from "../support/platform-targets.ts";

const operationObject = z.object({
  operationId: z.string(),
  security: z.array(z.unknown()),
  "x-access": z.object({ kind: z.enum(["anyone", "signed-in", "platform", "site", "operation", "task", "schedule"]) }),
  requestBody: z.object({ content: z.record(z.string(), z.unknown()) }).optional(),
});
const openApi = z.object({ paths: z.record(z.string(), z.partialRecord(z.enum(["get", "put", "post", "patch", "delete"]), operationObject)) });

/** One endpoint of the document, with the ids of Ann filled in. */
interface Endpoint {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly kind: string;
  readonly mediaType: string | undefined;
}

const noSandbox = whyNoSandbox();
/** Sandboxes serve several tasks as root with control groups of version 1, which can count for each anew. */
const keepsSandboxes = process.getuid?.() === 0 && existsSync("/sys/fs/cgroup/memory");

let backlot: Backlot;
let ann: Person;
let bob: Person;
let endpoints: readonly Endpoint[];

beforeAll(async () => {
  backlot = await startBacklot({ byNpm: true });
  [ann, bob] = await Promise.all([backlot.addPerson("ann"), backlot.addPerson("bob")]);
  await Promise.all([ann.createSite("anns-site", "dynamic", whyNotPython() === null ? "python" : "node"), bob.createSite("bobs-site", "static", "static")]);
  for (const text of ["earlier secret of Ann", "secret of Ann"]) await ann.put("anns-site", "public/secret.txt", text);
  const deployment = await ann.client.call(deploySite, { params: { name: "anns-site" }, body: new Uint8Array(await packed({ "public/a.txt": "a" })) });
  await ann.succeeded(deployment.operation);
  const token = await ann.client.call(createToken, { body: { name: "another" } });
  await ann.put("anns-site", "private/scripts/secret-of-ann.sh", "#!/bin/sh\n");
  // So late that it waits for as long as the tests run.
  const task = { script: "secret-of-ann.sh", site: "anns-site", runAt: new Date(Date.now() + 90 * 86_400_000).toISOString() };
  const { uid } = (await ann.client.call(createTask, { body: task })).task;
  const { schedule } = await ann.client.call(createSchedule, { body: { name: "of Ann", cron: "@yearly", task: { script: task.script, site: task.site } } });
  const site = { name: "anns-site" };
  const version = (await ann.client.call(listHistory, { params: { ...site, "*": "public/secret.txt" } })).versions[0]?.id;
  const { terminal } = await ann.client.call(openTerminal, { params: site, body: { size: { cols: 80, rows: 24 } } });
  const key = await ann.client.call(createKey, { body: { title: "secret of Ann", key: makePublicKey() } });
  const ids: Readonly<Record<string, string>> = {
    name: "anns-site",
    path: "public/secret.txt",
    username: "ann",
    id: deployment.operation.id,
    uid,
    stream: "stdout",
    version: String(version),
    terminal: terminal.id,
  };
  endpoints = endpointsOf(openApi.parse(JSON.parse((await backlot.ask("/api/openapi.json")).text)), (endpoint, parameter) => {
    if (endpoint.startsWith("tokens.")) return token.id;
    if (endpoint.startsWith("schedules.")) return schedule.id;
    if (endpoint.startsWith("keys.")) return String(key.key.id);
    return ids[parameter] ?? `no value for ${parameter}`;
  });
});
afterAll(() => backlot[Symbol.asyncDispose]());

describe("every endpoint of the OpenAPI document", () => {
  test("is there, with every parameter filled", () => {
    expect(endpoints.length).toBeGreaterThan(50);
    expect(endpoints.filter(({ path }) => /[{}]|no value/.test(decodeURIComponent(path)))).toEqual([]);
    expect(new Set(endpoints.map(({ kind }) => kind))).toEqual(new Set(["anyone", "signed-in", "platform", "site", "operation", "task", "schedule"]));
  });

  test.for([undefined, "Bearer wrong", "Bearer ", "Basic YW5uOnBhc3N3b3Jk", "Bearer eyJhbGciOiJub25lIn0.e30."])(
    "answers 401 with the credentials %s",
    async (authorization) => {
      const headers = authorization === undefined ? {} : { authorization };
      const wrong = await answersOtherThan(401, "not_signed_in", closed(), headers);
      expect(wrong).toEqual([]);
    },
  );

  test("answers 404 to another tenant's ids, whatever the body", async () => {
    expect(foreign().length).toBeGreaterThan(32);
    const headers = { authorization: `Bearer ${bob.token}` };
    expect(await answersOtherThan(404, undefined, foreign(), headers)).toEqual([]);
  });

  test("answers 404 for ids that nobody has, in the same words as for another tenant's", async () => {
    const headers = { authorization: `Bearer ${bob.token}` };
    const named = foreign();
    for (const endpoint of named) {
      const theirs = await call(endpoint, { headers });
      const path = endpoint.path
        .replace("anns-site", "nobodys-site")
        .replace(/[0-9a-f-]{36}/, "00000000-0000-4000-8000-000000000000")
        .replace(/(?<=\/keys\/)\d+$/, "2147483000");
      expect(path).not.toBe(endpoint.path);
      const nobodys = await call({ ...endpoint, path }, { headers });
      expect([endpoint.id, nobodys.status, withoutRequestId(nobodys)]).toEqual([endpoint.id, theirs.status, withoutRequestId(theirs)]);
    }
  });

  test("refuses before it reads the body: nothing of a gigabyte is taken", async () => {
    const uploads = closed().filter(({ mediaType }) => mediaType !== undefined);
    expect(uploads.length).toBeGreaterThan(8);
    const asBob = { authorization: `Bearer ${bob.token}` };
    const named = uploads.filter(({ kind }) => ["site", "schedule", "task", "operation"].includes(kind));
    const administrators = uploads.filter(({ kind, id }) => kind === "platform" && id !== "sites.create");
    expect(named.length).toBeGreaterThan(8);
    expect(administrators.length).toBeGreaterThan(2);
    const wrong: unknown[] = [];
    for (const { credentials, asked, status } of [
      { credentials: {}, asked: uploads, status: 401 },
      { credentials: { authorization: "Bearer wrong" }, asked: uploads, status: 401 },
      { credentials: asBob, asked: named, status: 404 },
      { credentials: asBob, asked: administrators, status: 403 },
    ]) {
      for (const { id, path, method, mediaType = "" } of asked) {
        const headers = { ...credentials, "content-type": mediaType, "content-length": "1000000000" };
        // No byte of the body is ever sent: only an answer on the head alone comes at all.
        const answer = await backlot.ask(path, { method, headers, signal: AbortSignal.timeout(20_000) }).catch(String);
        if (typeof answer === "string" || answer.status !== status) wrong.push([id, typeof answer === "string" ? answer : answer.status, status]);
      }
    }
    expect(wrong).toEqual([]);
  });

  test("that is an administrator's own refuses a member", async () => {
    const headers = { authorization: `Bearer ${bob.token}` };
    const platform = closed().filter(({ kind, id }) => kind === "platform" && id !== "sites.create");
    expect(platform.length).toBeGreaterThan(3);
    expect(await answersOtherThan(403, "administrators_only", platform, headers)).toEqual([]);
  });

  test("that is an administrator's own tells a member nothing of who is there", async () => {
    const headers = { authorization: `Bearer ${bob.token}` };
    const aboutAnn = closed().filter(({ kind, path }) => kind === "platform" && /(?<=\/)ann(?=\/|$)/.test(path));
    expect(aboutAnn.length).toBeGreaterThan(0);
    for (const endpoint of aboutAnn) {
      const theirs = await call(endpoint, { headers });
      const nobodys = await call({ ...endpoint, path: endpoint.path.replace(/(?<=\/)ann(?=\/|$)/, "nobody") }, { headers });
      expect([endpoint.id, nobodys.status, withoutRequestId(nobodys)]).toEqual([endpoint.id, theirs.status, withoutRequestId(theirs)]);
    }
  });

  test("lists nothing of another tenant", async () => {
    const headers = { authorization: `Bearer ${bob.token}` };
    const lists = closed().filter(({ method, kind, id }) => method === "GET" && kind === "signed-in" && id !== "events.follow");
    for (const endpoint of lists) {
      // The one that lists nothing without being told what.
      const path = endpoint.id === "schedules.preview" ? `${endpoint.path}?cron=@daily` : endpoint.path;
      const answer = await call({ ...endpoint, path }, { headers });
      expect([endpoint.id, answer.status]).toEqual([endpoint.id, 200]);
      expect(answer.text).not.toMatch(/anns-site|secret.of.ann/i);
    }
    expect((await backlot.ask("/api/v1/sites?all=true", { headers })).text).not.toContain("anns-site");
  });

  test("left Ann's site as it was", async () => {
    expect((await ann.get("anns-site", "public/secret.txt")).toString()).toBe("secret of Ann");
    expect((await backlot.visit("anns-site", "/time")).status).toBe(200);
    const { tasks } = await ann.client.call(listTasks, {});
    expect(tasks.map(({ script, state, isCancelRequested }) => [script, state, isCancelRequested])).toEqual([["secret-of-ann.sh", "queued", false]]);
    expect((await backlot.ask("/api/v1/session", { headers: { authorization: `Bearer ${ann.token}` } })).status).toBe(200);
  });
});

test.skipIf(noSandbox !== null)(
  titled("a tenant's program reaches no port, socket, file and process of the platform, and no neighbour", noSandbox),
  async () => {
    const program = join(checkout, "test/support/hostile-site.mjs");
    expect((await backlot.visit("anns-site", "/time")).status).toBe(200);
    const platform = platformTargets(backlot);
    const neighbours = neighbourAddresses(backlot, /^\S*(python3|node) \S+$/);
    // What is tried is there: outside of the sandbox the same program reaches all of it.
    const reachable = { ...platform, addresses: [...platform.addresses, ...neighbours], isControl: true };
    const { stdout } = await promisify(execFile)(process.execPath, [program], { env: { TARGETS: JSON.stringify(reachable) } });
    const control = readFindings(stdout);
    for (const port of [backlot.manager, backlot.router, backlot.ssh, backlot.ftp].map((url) => Number(url.slice(url.lastIndexOf(":") + 1))))
      expect(platform.addresses.map((address) => address.port)).toContain(port);
    // The router's inner door and the orchestrator's beside them.
    expect(platform.addresses.length).toBeGreaterThanOrEqual(6);
    expect(neighbours.length).toBeGreaterThan(process.getuid?.() === 0 ? 0 : -1);
    expect(new Set(Object.values(control.addresses))).toEqual(new Set(["CONNECTED"]));
    expect(control.sockets).toMatchObject({ [join(backlot.data, "postgres/run/.s.PGSQL.5432")]: "CONNECTED" });
    expect(new Set(Object.values(control.files))).toEqual(new Set(["READ", "THERE"]));
    expect(new Set(control.kills)).toEqual(new Set(["FOUND"]));

    await bob.createSite("hostile", "dynamic");
    const everywhere = atEveryAddress(platform);
    const targets = { ...everywhere, addresses: [...everywhere.addresses, ...neighbours] };
    expect(targets.addresses.length).toBeGreaterThanOrEqual(2 * platform.addresses.length);
    await bob.put("hostile", "targets.json", JSON.stringify(targets));
    await bob.put("hostile", "hostile.mjs", await readFile(program));
    await bob.put(
      "hostile",
      "app.mjs",
      "import { createServer } from 'node:http';\nimport { readFileSync } from 'node:fs';\nconst found = readFileSync('/site/found.json');\ncreateServer((_, s) => s.end(found)).listen(process.env.PORT, process.env.HOST);\n",
    );
    await bob.put("hostile", "run.sh", 'TARGETS="$(cat /site/targets.json)" node /site/hostile.mjs > /site/found.json && exec node /site/app.mjs\n');
    expectNothingReached(readFindings((await backlot.visit("hostile")).text), targets);

    // The same as a task. One that only looks leaves its sandbox as it was, so that the next one gets it where sandboxes are kept (decision 55).
    await bob.put("hostile", "looks.json", JSON.stringify({ ...targets, isControl: true }));
    await bob.put("hostile", "private/scripts/hostile.sh", hostileScript("/site"));
    await bob.client.call(changePath, { params: { name: "hostile", "*": "private/scripts/hostile.sh" }, body: { executable: true } });
    const gates: string[] = [];
    const isOneKept = () => new Set(gates).size < gates.length;
    while (gates.length < 2 || (keepsSandboxes && !isOneKept() && gates.length < 10)) {
      const { found, gate } = await runHostile(bob, { site: "hostile", arguments: ["looks.json"] });
      expectNothingReached(found, targets);
      gates.push(gate);
    }
    expect(isOneKept()).toBe(keepsSandboxes);
    // And all that it does otherwise, in the kept one.
    const last = await runHostile(bob, { site: "hostile", arguments: ["targets.json"] });
    expectNothingReached(last.found, targets);
    expect(last.found.variables).toContain("TASK_UID");

    const home = join(backlot.data, "homedir");
    await Promise.all([copyFile(program, join(home, "hostile.mjs")), writeFile(join(home, "targets.json"), JSON.stringify(targets))]);
    await writeFile(join(backlot.data, "scripts", "hostile.sh"), hostileScript("/homedir"), { mode: 0o755 });
    const atHome = await runHostile(await backlot.admin(), { arguments: ["targets.json"] });
    expectNothingReached(atHome.found, targets);
  },
  240_000,
);

test("a viewer reads and changes nothing; what is beyond the role looks like nothing", async () => {
  await ann.client.call(setMember, { params: { name: "anns-site", username: "bob" }, body: { role: "viewer" } });
  expect((await bob.get("anns-site", "public/secret.txt")).toString()).toBe("secret of Ann");
  await expect(bob.put("anns-site", "public/secret.txt", "mine now")).rejects.toMatchObject({ code: "role_too_low", status: 404 });
  await expect(bob.client.call(setMember, { params: { name: "anns-site", username: "bob" }, body: { role: "owner" } })).rejects.toMatchObject({ status: 404 });
  const task = { script: "secret-of-ann.sh", site: "anns-site" };
  await expect(bob.client.call(createTask, { body: task })).rejects.toMatchObject({ code: "role_too_low", status: 404 });
  await expect(bob.client.call(createSchedule, { body: { name: "mine", cron: "@yearly", task } })).rejects.toMatchObject({ code: "role_too_low" });
});

test("a member who is removed loses what is open within two seconds", async () => {
  const response = await bob.client.fetch(followSites, {});
  if (response.body === null) throw new Error("no stream");
  const headers = { authorization: `Bearer ${bob.token}` };
  const times: number[] = [];
  // A busy machine may be late for once; what is open is closed each time.
  while (times.length < 5 && !times.some((ms) => ms < 2000)) {
    await ann.client.call(setMember, { params: { name: "anns-site", username: "bob" }, body: { role: "viewer" } });
    expect((await backlot.ask("/api/v1/sites/anns-site/logs?tail=1", { headers })).status).toBe(200);
    const follow = await fetch(`${backlot.manager}/api/v1/sites/anns-site/logs?follow=true`, { headers });
    expect(follow.status).toBe(200);
    const ended = drained(follow);
    const removedAt = Date.now();
    await ann.client.call(removeMember, { params: { name: "anns-site", username: "bob" } });
    await ended;
    times.push(Date.now() - removedAt);
    await expect(bob.get("anns-site", "public/secret.txt")).rejects.toMatchObject({ code: "site_not_found" });
  }
  expect(Math.min(...times)).toBeLessThan(2000);
  await response.body.cancel();
}, 120_000);

/** Tries what the file says that is its argument; then the start of the sandbox's first process, by which sandboxes are told apart. */
function hostileScript(folder: string): string {
  return `#!/bin/sh\nTARGETS="$(cat ${folder}/$1)" node ${folder}/hostile.mjs || exit 1\ncut -d " " -f 22 /proc/1/stat >&2\n`;
}

async function runHostile(person: Person, where: Pick<Partial<TaskBody>, "site" | "arguments">): Promise<{ found: HostileFindings; gate: string }> {
  const { uid } = (await person.client.call(createTask, { body: { script: "hostile.sh", ...where } })).task;
  const state = async () => (await person.client.call(readTask, { params: { uid } })).task.state;
  await expect.poll(async () => isTaskEnded(await state()), { timeout: 60_000, interval: 50 }).toBe(true);
  const output = async (stream: "stdout" | "stderr") => (await person.client.fetch(readTaskLog, { params: { uid, stream } })).text();
  const [out, gate] = await Promise.all([output("stdout"), output("stderr")]);
  expect([await state(), gate]).toEqual(["succeeded", expect.stringMatching(/^\d+\n$/)]);
  return { found: readFindings(out), gate };
}

async function drained(response: Response): Promise<void> {
  if (response.body === null) return;
  try {
    for await (const _event of readEvents(response.body));
  } catch (error) {
    // Cut off rather than ended: closed either way.
    if (!(error instanceof TypeError)) throw error;
  }
}

/** As it stands in a .pub file. */
function makePublicKey(): string {
  const raw = Buffer.from(generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" }).x ?? "", "base64url");
  const fields = [Buffer.from("ssh-ed25519"), raw].flatMap((field) => [Buffer.from([0, 0, 0, field.length]), field]);
  return `ssh-ed25519 ${Buffer.concat(fields).toString("base64")}`;
}

function closed(): readonly Endpoint[] {
  return endpoints.filter(({ kind }) => kind !== "anyone");
}

/** What names something of Ann's. */
function foreign(): readonly Endpoint[] {
  const own = ["tokens.delete", "keys.delete"];
  return closed().filter(({ kind, id }) => ["site", "operation", "task", "schedule"].includes(kind) || own.includes(id));
}

function endpointsOf(document: z.output<typeof openApi>, valueFor: (endpoint: string, parameter: string) => string): readonly Endpoint[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const { operationId: id } = operation;
      const filled = path.replace(/\{(\w+)\}/g, (_, parameter: string) => valueFor(id, parameter));
      return {
        id,
        method: method.toUpperCase(),
        path: filled,
        kind: operation["x-access"].kind,
        mediaType: Object.keys(operation.requestBody?.content ?? {})[0],
      };
    }),
  );
}

/** Each endpoint with no body, with a body of its own kind and with nonsense; what came instead of the wanted status. */
async function answersOtherThan(
  status: number,
  code: string | undefined,
  asked: readonly Endpoint[],
  headers: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const wrong: string[] = [];
  for (const endpoint of asked) {
    const bodies: VisitInit[] = [{ headers }];
    if (endpoint.mediaType !== undefined) {
      bodies.push({ headers: { ...headers, "content-type": endpoint.mediaType }, body: "{}" });
      bodies.push({ headers: { ...headers, "content-type": "text/plain" }, body: "nonsense" });
    }
    for (const init of bodies) {
      const answer = await call(endpoint, init);
      const isRight = answer.status === status && (code === undefined || answer.text.includes(`"${code}"`));
      if (!isRight) wrong.push(`${endpoint.id} ${endpoint.method} ${endpoint.path}: ${answer.status} ${answer.text.slice(0, 200)}`);
    }
  }
  return wrong;
}

function call(endpoint: Endpoint, init: VisitInit): Promise<Visited> {
  return backlot.ask(endpoint.path, { method: endpoint.method, signal: AbortSignal.timeout(10_000), ...init });
}

function withoutRequestId(answer: Visited): unknown {
  const { requestId: _each, ...problem } = JSON.parse(answer.text);
  return JSON.parse(JSON.stringify(problem).replaceAll("anns-site", "…").replaceAll("nobodys-site", "…"));
}
