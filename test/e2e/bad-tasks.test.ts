import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { listTasks } from "#contract/api/tasks.ts";
import { type Backlot, startBacklot } from "../support/backlot.ts";
import type { Person } from "../support/backlot-person.ts";
import type { Visited, VisitInit } from "../support/backlot-visit.ts";

/** Late enough that no worker takes it within a test. */
const inMonths = new Date(Date.now() + 90 * 86_400_000).toISOString();

let backlot: Backlot;
let ann: Person;

beforeAll(async () => {
  backlot = await startBacklot();
  ann = await backlot.addPerson("ann");
  await ann.createSite("garden", "static");
  await ann.put("garden", "private/scripts/ok.sh", "#!/bin/sh\necho ok\n");
  await ann.put("garden", "private/scripts/sub/deep.sh", "#!/bin/sh\n");
  await ann.put("garden", "private/scripts/form.sh", "#!/bin/sh\n");
  await ann.put("garden", "private/scripts/form.sh.yaml", "parameters:\n  - {name: size, type: number, min: 1, max: 9}\n  - {name: tag, pattern: '(a+)+'}\n");
  await ann.put("garden", "public/page.sh", "#!/bin/sh\n");
});
afterAll(() => backlot[Symbol.asyncDispose]());

test.for([
  "../../bin/ls",
  "../public/page.sh",
  "sub/../ok.sh",
  "sub/../../../public/page.sh",
  "./ok.sh",
  "/bin/ls",
  "..\\..\\bin\\ls",
  "//bin/ls",
  "sub//deep.sh",
  "ok.sh/",
  ".hidden.sh",
  "sub/.hidden.sh",
  "ok.sh\0",
  "ok.sh\0.txt",
  "",
  "s".repeat(1001),
  7,
  null,
  ["ok.sh"],
])("the script %j is refused by its form", async (script) => {
  expect(problemOf(await create({ script }))).toMatchObject({ status: 422, code: "input_invalid" });
});

test.for([
  "sub\\deep.sh",
  "OK.sh",
  "ok.sh ",
  " ok.sh",
  "ok.sh\n",
  "ｏｋ.sh",
  "ok․sh",
  "%2e%2e/ok.sh",
  "sub",
  "ok.sh; ls",
  "$(ls)",
  "*",
  "page.sh",
  "form.sh.yaml",
])("the script %j is none, and those that there are are named", async (script) => {
  const problem = problemOf(await create({ script }));
  expect(problem).toMatchObject({ status: 422, code: "script_not_found" });
  expect(problem.title).toContain("ok.sh");
});

describe("a request that is not right", () => {
  test.for<[string, Record<string, unknown>]>([
    ["an argument with NUL", { arguments: ["a\0b"] }],
    ["more than 1000 arguments", { arguments: Array.from({ length: 1001 }, () => "x") }],
    ["an argument that is too long", { arguments: ["x".repeat(32_769)] }],
    ["arguments that are no list", { arguments: "x" }],
    ["arguments that are an object", { arguments: { 0: "x" } }],
    ["an argument that is a number", { arguments: [1] }],
    ["an unknown field", { uid: "00000000-0000-4000-8000-000000000000" }],
    ["a state", { state: "succeeded" }],
    ["limits", { limits: { cpu: 64 } }],
    ["a priority in words", { priority: "high" }],
    ["a priority that is too high", { priority: 101 }],
    ["a broken priority", { priority: 1.5 }],
    ["no time", { timeoutSeconds: 0 }],
    ["less than no time", { timeoutSeconds: -1 }],
    ["more time than there is", { timeoutSeconds: 1e9 }],
    ["time in words", { timeoutSeconds: "5" }],
    ["more time than members have", { timeoutSeconds: 3601 }],
    ["too many retries", { retry: { retries: 21 } }],
    ["an unknown retry", { retry: { forever: true } }],
    ["a variable of the platform", { environment: { PATH: "/tmp" } }],
    ["a variable of the task", { environment: { TASK_UID: "x" } }],
    ["a variable with =", { environment: { "A=B": "x" } }],
    ["a variable with NUL", { environment: { A: "\0" } }],
    ["a variable that is a number", { environment: { A: 1 } }],
    ["too many variables", { environment: Object.fromEntries(Array.from({ length: 201 }, (_, index) => [`A${index}`, ""])) }],
    ["a time that is none", { runAt: "tomorrow" }],
    ["a time that is too far ahead", { runAt: "2099-01-01T00:00:00Z" }],
    ["a time without a zone", { runAt: "2099-01-01T00:00:00" }],
    ["a parameter that is an object", { parameters: { size: {} } }],
    ["a site that is a number", { site: 7 }],
    ["both script and command", { command: "ls" }],
    ["neither", { script: undefined }],
  ])("with %s is refused", async ([, changes]) => {
    expect(problemOf(await create(changes))).toMatchObject({ status: 422, code: "input_invalid" });
  });

  test.for<[Record<string, unknown>, string]>([
    [{ script: undefined, command: "ls" }, "commands_off"],
    [{ script: "form.sh", parameters: { size: 10 } }, "parameters_invalid"],
    [{ script: "form.sh", parameters: { tag: `${"a".repeat(1900)}!` } }, "parameters_invalid"],
    [{ script: "form.sh", parameters: { __proto__: null, colour: "red" } }, "parameters_invalid"],
    [{ script: "form.sh", arguments: ["more"] }, "parameters_invalid"],
    [{ site: "nobodys" }, "site_not_found"],
    [{ site: "../garden" }, "site_not_found"],
    [{ site: "garden\0" }, "site_not_found"],
    [{ site: undefined }, "administrators_only"],
  ])("%o is refused with %s", async ([changes, code]) => {
    expect(problemOf(await create(changes)).code).toBe(code);
  });

  test.for([
    ["", 400, "body_malformed"],
    ["{", 400, "body_malformed"],
    ["null", 422, "input_invalid"],
    ["[]", 422, "input_invalid"],
    // What it lacks is nobody's business who may not run anything at home.
    ["{}", 403, "administrators_only"],
    ['{"script":"ok.sh","site":"garden","__proto__":{"site":null}}', [400, 422], undefined],
    [`{"script":"ok.sh","arguments":["${"x".repeat(1_100_000)}`, 413, "body_too_large"],
  ] as const)("that is no task at all is refused: %#", async ([body, status, code]) => {
    const answer = await ask("/api/v1/tasks", { method: "POST", body, headers: { "content-type": "application/json" } });
    expect([status].flat()).toContain(answer.status);
    if (code !== undefined) expect(problemOf(answer).code).toBe(code);
  });

  test("of a gigabyte is refused by its head", async () => {
    const headers = { "content-type": "application/json", "content-length": "1000000000" };
    expect(problemOf(await ask("/api/v1/tasks", { method: "POST", headers, signal: AbortSignal.timeout(10_000) }))).toMatchObject({ code: "body_too_large" });
  });

  test("of another media type, or with a key that is none, is refused", async () => {
    expect((await ask("/api/v1/tasks", { method: "POST", body: "script=ok.sh", headers: { "content-type": "text/plain" } })).status).toBe(415);
    for (const key of ["", "x".repeat(201), "a\tb"]) expect([key, (await create({}, { "idempotency-key": key })).status]).toEqual([key, 422]);
  });
});

test("addresses that nobody has are answered and harm nobody", async () => {
  const uid = "00000000-0000-4000-8000-000000000000";
  for (const path of ["%00", "9".repeat(60), "9".repeat(90), "..%2fsites", `${uid}x`, uid.toUpperCase()]) {
    expect([path, (await ask(`/api/v1/tasks/${path}`)).status]).toEqual([path, 404]);
  }
  for (const query of ["limit=0", "limit=1e9", "state=gone", "since=never", "schedule=x", "home=maybe", "unknown=1", `search=${"x".repeat(300)}`]) {
    expect([query, (await ask(`/api/v1/tasks?${query}`)).status]).toEqual([query, 422]);
  }
  for (const query of ["search=%00", "search=%25_%5c", "cursor=%00", "cursor=zzz", "script=%00", "site=%00"]) {
    expect([query, (await ask(`/api/v1/tasks?${query}`)).status < 500]).toEqual([query, true]);
  }
  for (const query of [
    "since=2026-02-30",
    "since=0000-01-01",
    "until=1900-01-01",
    "since=2000-01-01&until=2026-01-01",
    "timeZone=",
    "timeZone=%00",
    "timeZone=%2B02:00",
  ]) {
    expect([query, (await ask(`/api/v1/task-charts?${query}`)).status]).toEqual([query, 422]);
  }
  const created = JSON.parse((await create({ runAt: inMonths })).text) as { task: { uid: string } };
  for (const rest of ["other", "stdout?offset=1.5", "stdout?offset=x", "stdout?follow=perhaps", `stdout?offset=${"9".repeat(30)}`]) {
    expect([rest, (await ask(`/api/v1/tasks/${created.task.uid}/logs/${rest}`)).status]).toEqual([rest, 422]);
  }
});

test("text that is odd but whole comes back as it went in, and what is no text does no harm", async () => {
  const odd = ["", " ", "-rf", "--", "\u202e", "💙", "a\nb\r", "'\"`$(ls)`", "\\", "%s%n"];
  const created = JSON.parse((await create({ arguments: odd, runAt: inMonths })).text) as { task: { arguments: string[] } };
  expect(created.task.arguments).toEqual(odd);
  const half = `{"script":"ok.sh","site":"garden","runAt":"${inMonths}","arguments":["\\ud800"]}`;
  expect((await ask("/api/v1/tasks", { method: "POST", body: half, headers: { "content-type": "application/json" } })).status).toBeLessThan(500);
});

test("nothing of all this was run", async () => {
  const { tasks } = await ann.client.call(listTasks, { query: { limit: 200 } });
  expect(tasks.filter(({ state }) => state !== "queued")).toEqual([]);
});

function create(changes: Readonly<Record<string, unknown>>, headers: Readonly<Record<string, string>> = {}): Promise<Visited> {
  const body = JSON.stringify({ script: "ok.sh", site: "garden", ...changes });
  return ask("/api/v1/tasks", { method: "POST", body, headers: { "content-type": "application/json", ...headers } });
}

function ask(path: string, init: VisitInit = {}): Promise<Visited> {
  return backlot.ask(path, { ...init, headers: { authorization: `Bearer ${ann.token}`, ...init.headers } });
}

function problemOf(answer: Visited): { readonly status: number; readonly code: string; readonly title: string } {
  expect(answer.headers["content-type"]).toContain("application/problem+json");
  return JSON.parse(answer.text);
}
