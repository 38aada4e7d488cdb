import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { publicEndpoints } from "#contract/api/public.ts";
import type { TaskView } from "#contract/api/tasks.ts";
import { pathOf } from "#contract/client.ts";
import { readEvents } from "#contract/events.ts";
import { fakeScript } from "../../test/support/fake-runs.ts";
import { type ManagerBench, startManagerBench } from "../../test/support/manager-bench.ts";

let bench: ManagerBench;
let siteId: number;

beforeAll(async () => {
  bench = await startManagerBench({ BACKLOT_TASK_COMMANDS: "true" });
  const { runs } = bench.orchestrator.state;
  runs.allowsCommands = true;
  runs.scripts = [fakeScript("touch.sh"), fakeScript("form.sh", { parameters: [{ name: "file", type: "text", isRequired: true, isMultiple: false }] })];
  // Nothing is started unless a test asks for it.
  runs.plan = () => ({ afterMs: null });
  for (const name of ["ada", "bob", "eve"]) await bench.person(name);
  siteId = await createSite("chess");
  runs.siteScripts.set(siteId, [fakeScript("backup.sh")]);
  await bench.request("/api/v1/sites/chess/members/eve", { method: "PUT", as: "ada", json: { role: "viewer" } });
});
afterAll(() => bench[Symbol.asyncDispose]());

async function createSite(name: string): Promise<number> {
  const response = await bench.request("/api/v1/sites", { method: "POST", as: "ada", json: { name, kind: "static" } });
  const { site, operation } = (await response.json()) as { site: { id: number }; operation: { id: string } };
  const events = await bench.request(`/api/v1/operations/${operation.id}/events`, { as: "ada" });
  await events.text();
  return site.id;
}

const bodyOf = async (response: Response): Promise<Record<string, unknown>> => (await response.json()) as Record<string, unknown>;
const post = (as: string, json: unknown, headers: Readonly<Record<string, string>> = {}) =>
  bench.request("/api/v1/tasks", { method: "POST", as, json, headers: { ...headers } });

async function create(as: string, json: unknown): Promise<TaskView> {
  const response = await post(as, json);
  const body = await bodyOf(response);
  expect([response.status, body]).toEqual([201, expect.anything()]);
  return body.task as TaskView;
}

// Late enough that no worker takes it within a test.
const later = new Date(Date.now() + 90 * 86_400_000).toISOString();
const waiting = (as = "ada") => create(as, { script: "backup.sh", site: "chess", runAt: later });

describe("creating a task", () => {
  test("answers with the task, whose environment has names only", async () => {
    const task = await create("ada", { script: "backup.sh", site: "chess", arguments: ["a b"], environment: { API_KEY: "sssh" }, priority: -3, runAt: later });
    expect(task).toMatchObject({
      state: "queued",
      site: "chess",
      script: "backup.sh",
      command: null,
      arguments: ["a b"],
      environment: ["API_KEY"],
      priority: -3,
      attempt: 0,
      createdBy: "ada",
      runAt: later,
      code: null,
      you: { mayControl: true },
    });
    expect(await bodyOf(await bench.request(`/api/v1/tasks/${task.uid}`, { as: "ada" }))).toEqual({ task, attempts: [] });
  });

  test("that is put off for longer than a year is refused in words that say what to do", async () => {
    const json = { script: "backup.sh", site: "chess", runAt: "2099-01-01T00:00:00Z" };
    const response = await bench.request("/api/v1/tasks", { method: "POST", as: "ada", json });
    expect(await bodyOf(response)).toMatchObject({ status: 422, code: "input_invalid", title: expect.stringContaining("make a schedule") });
  });

  test("twice with one Idempotency-Key queues one task, and another task under the key is refused", async () => {
    const json = { script: "backup.sh", site: "chess", runAt: later };
    const first = await post("ada", json, { "idempotency-key": "once only" });
    const again = await post("ada", json, { "idempotency-key": "once only" });
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(await again.json()).toEqual(await first.json());
    const other = await post("ada", { ...json, arguments: ["x"] }, { "idempotency-key": "once only" });
    expect(await bodyOf(other)).toMatchObject({ status: 409, code: "idempotency_conflict" });
    for (const key of ["x".repeat(201), "ü", ""]) expect([key, (await post("ada", json, { "idempotency-key": key })).status]).toEqual([key, 422]);
  });

  test("is refused in words for what cannot run and for whom it may not", async () => {
    const refused = async (as: string, json: unknown) => (await bodyOf(await post(as, json))).code;
    expect(await refused("ada", { script: "touch.sh" })).toBe("administrators_only");
    expect(await refused("bob", { script: "backup.sh", site: "chess" })).toBe("site_not_found");
    expect(await refused("eve", { script: "backup.sh", site: "chess" })).toBe("role_too_low");
    expect(await refused("ada", { script: "none.sh", site: "chess" })).toBe("script_not_found");
    expect(await refused("admin", { script: "form.sh" })).toBe("parameters_invalid");
    expect(await refused("admin", { script: "touch.sh", command: "ls" })).toBe("input_invalid");
  });

  test("is written into the site's history without the values of its environment", async () => {
    const task = await create("ada", { script: "backup.sh", site: "chess", environment: { TOKEN: "hush" }, runAt: later });
    await bench.request(`/api/v1/tasks/${task.uid}/cancel`, { method: "POST", as: "ada" });
    const { entries } = (await bodyOf(await bench.request("/api/v1/sites/chess/audit", { as: "ada" }))) as { entries: Record<string, unknown>[] };
    const about = entries.filter((entry) => (entry.details as { uid?: string }).uid === task.uid);
    expect(about.map(({ action, actor }) => [action, actor])).toEqual([
      ["tasks.cancel", "ada"],
      ["tasks.create", "ada"],
    ]);
    expect(JSON.stringify(entries)).toContain("TOKEN");
    expect(JSON.stringify(entries)).not.toContain("hush");
  });

  test("is limited in number", async () => {
    await using small = await startManagerBench({ BACKLOT_TASKS_WAITING: "1" });
    small.orchestrator.state.runs.scripts = [fakeScript("touch.sh")];
    const attempt = () => small.request("/api/v1/tasks", { method: "POST", as: "admin", json: { script: "touch.sh", runAt: later } });
    expect((await attempt()).status).toBe(201);
    expect(await bodyOf(await attempt())).toMatchObject({ status: 409, code: "task_limit_reached" });
    expect(await bodyOf(await small.request("/api/v1/tasks", { method: "POST", as: "admin", json: { command: "ls" } }))).toMatchObject({
      code: "commands_off",
    });
    expect(await bodyOf(await small.request("/api/v1/system", { as: "admin" }))).toMatchObject({ allowsCommands: false });
    expect(await bodyOf(await bench.request("/api/v1/system", { as: "admin" }))).toMatchObject({ allowsCommands: true });
  });
});

describe("who sees a task", () => {
  const about = publicEndpoints.filter(({ access }) => access.kind === "task");

  test("nobody who is not signed in, and nobody from elsewhere: 401 and 404 before anything else", async () => {
    const task = await waiting();
    expect(about.length).toBeGreaterThan(4);
    for (const shape of about) {
      for (const uid of [task.uid, "nonsense", "00000000-0000-4000-8000-000000000000"]) {
        const path = pathOf(shape, { params: { uid, stream: "stdout" } });
        const foreign = await bench.request(path, { method: shape.method, as: "bob" });
        expect([shape.id, foreign.status, await bodyOf(foreign)]).toEqual([shape.id, 404, expect.objectContaining({ code: "task_not_found" })]);
        expect([shape.id, (await bench.request(path, { method: shape.method })).status]).toEqual([shape.id, 401]);
      }
    }
  });

  test("a viewer reads it and cannot change it; a member does not see the home folder's", async () => {
    const [theirs, home] = [await waiting(), await create("admin", { command: "ls", runAt: later })];
    for (const shape of about.filter(({ id }) => id !== "tasks.follow")) {
      const path = pathOf(shape, { params: { uid: theirs.uid, stream: "stderr" } });
      const isRead = shape.access.kind === "task" && shape.access.act === "read";
      expect([shape.id, (await bench.request(path, { method: shape.method, as: "eve" })).status]).toEqual([shape.id, isRead ? 200 : 404]);
    }
    expect(((await bodyOf(await bench.request(`/api/v1/tasks/${theirs.uid}`, { as: "eve" }))).task as TaskView).you.mayControl).toBe(false);
    expect((await bench.request(`/api/v1/tasks/${home.uid}`, { as: "ada" })).status).toBe(404);
    expect((await bench.request("/api/v1/scripts", { as: "ada" })).status).toBe(403);
  });

  test("a token for reading creates nothing, and one for tasks changes no files", async () => {
    const tokenOf = async (scope: string) => {
      const made = await bodyOf(await bench.request("/api/v1/tokens", { method: "POST", as: "ada", json: { name: scope, scopes: [scope] } }));
      return { authorization: `Bearer ${String(made.secret)}`, "content-type": "application/json" };
    };
    const body = JSON.stringify({ script: "backup.sh", site: "chess", runAt: later });
    const reading = await bench.request("/api/v1/tasks", { method: "POST", body, headers: await tokenOf("read") });
    expect(await bodyOf(reading)).toMatchObject({ status: 403, code: "scope_too_small" });
    const running = await tokenOf("tasks");
    expect((await bench.request("/api/v1/tasks", { method: "POST", body, headers: running })).status).toBe(201);
    expect((await bench.request("/api/v1/sites/chess/files/public/x", { method: "PUT", body: "x", headers: running })).status).toBe(403);
  });

  test("lists hold what one can see, narrowed as asked", async () => {
    await bench.person("dan");
    await bench.request("/api/v1/sites/chess/members/dan", { method: "PUT", as: "ada", json: { role: "editor" } });
    const uids = async (as: string, query: string) => {
      const { tasks } = (await bodyOf(await bench.request(`/api/v1/tasks${query}`, { as }))) as { tasks: TaskView[] };
      return tasks.map(({ uid }) => uid);
    };
    const [mine, home] = [await waiting("dan"), await create("admin", { script: "touch.sh", runAt: later })];
    expect(await uids("dan", "?limit=1")).toEqual([mine.uid]);
    expect(await uids("bob", "")).toEqual([]);
    expect((await uids("admin", "?limit=2")).toSorted()).toEqual([mine.uid, home.uid].toSorted());
    expect(await uids("admin", "?home=true&limit=1")).toEqual([home.uid]);
    expect(await uids("admin", "?site=chess&limit=1")).toEqual([mine.uid]);
    await bench.request(`/api/v1/tasks/${mine.uid}/cancel`, { method: "POST", as: "dan" });
    expect(await uids("dan", "?state=cancelled&limit=1")).toEqual([mine.uid]);
    expect(await uids("dan", "?state=running&state=failed")).toEqual([]);
    expect(await uids("dan", `?search=${mine.uid.slice(0, 8)}`)).toEqual([mine.uid]);
    expect((await bench.request("/api/v1/tasks?site=chess", { as: "bob" })).status).toBe(404);
    expect((await bench.request("/api/v1/tasks?state=gone", { as: "dan" })).status).toBe(422);
  });
});

describe("a task that waits", () => {
  test("is cancelled at once, and its followers hear it", async () => {
    const task = await waiting();
    const following = await bench.request(`/api/v1/tasks/${task.uid}/events`, { as: "eve" });
    const log = await bench.request(`/api/v1/tasks/${task.uid}/logs/stdout?follow=true`, { as: "eve" });
    const cancelled = await bench.request(`/api/v1/tasks/${task.uid}/cancel`, { method: "POST", as: "ada" });
    expect([cancelled.status, (await bodyOf(cancelled)).task]).toEqual([202, expect.objectContaining({ state: "cancelled" })]);
    const states: string[] = [];
    if (following.body !== null) for await (const event of readEvents(following.body)) states.push((JSON.parse(event.data) as TaskView).state);
    expect(states).toEqual(["queued", "cancelled"]);
    expect((await log.text()).replaceAll(/^: .*$/gm, "").trim()).toBe("");
    expect((await bench.request(`/api/v1/tasks/${task.uid}/cancel`, { method: "POST", as: "ada" })).status).toBe(202);
  });

  test("has no output yet", async () => {
    const task = await waiting();
    const response = await bench.request(`/api/v1/tasks/${task.uid}/logs/stdout`, { as: "ada" });
    expect([response.status, response.headers.get("x-backlot-next-offset"), await response.text()]).toEqual([200, "0", ""]);
  });

  test("is out of a former member's sight within two seconds", async () => {
    await bench.person("former");
    await bench.request("/api/v1/sites/chess/members/former", { method: "PUT", as: "ada", json: { role: "viewer" } });
    const task = await waiting();
    const open = await Promise.all(["events", "logs/stdout?follow=true"].map((rest) => bench.request(`/api/v1/tasks/${task.uid}/${rest}`, { as: "former" })));
    const beganAt = Date.now();
    await bench.request("/api/v1/sites/chess/members/former", { method: "DELETE", as: "ada" });
    await Promise.all(open.map((response) => response.text().catch(() => "")));
    expect(Date.now() - beganAt).toBeLessThan(2_000);
    expect((await bench.request(`/api/v1/tasks/${task.uid}`, { as: "former" })).status).toBe(404);
  });
});

test("a task that is run again is a new one that says of which", async () => {
  const task = await create("ada", { script: "backup.sh", site: "chess", arguments: ["x"], environment: { A: "b" }, runAt: later });
  const rerun = () => bench.request(`/api/v1/tasks/${task.uid}/rerun`, { method: "POST", as: "ada", headers: { "idempotency-key": "rerun-once" } });
  const response = await rerun();
  expect(response.status).toBe(201);
  const again = (await bodyOf(response)).task as TaskView;
  expect(again).toMatchObject({ rerunOf: task.uid, arguments: ["x"], environment: ["A"], limits: task.limits });
  expect(again.uid).not.toBe(task.uid);
  const repeated = await rerun();
  expect([repeated.status, ((await bodyOf(repeated)).task as TaskView).uid]).toEqual([200, again.uid]);
  await bench.request(`/api/v1/tasks/${again.uid}/cancel`, { method: "POST", as: "ada" });
});

test("scripts are listed with their manuals, and a new one at the next look", async () => {
  const { runs } = bench.orchestrator.state;
  expect(await bodyOf(await bench.request("/api/v1/sites/chess/scripts", { as: "eve" }))).toMatchObject({
    scripts: [{ path: "backup.sh" }],
    allowsCommands: true,
  });
  runs.siteScripts.set(siteId, [fakeScript("backup.sh"), fakeScript("new.sh")]);
  await create("ada", { script: "new.sh", site: "chess", runAt: later });
  const home = (await bodyOf(await bench.request("/api/v1/scripts", { as: "admin" }))) as { scripts: { path: string }[] };
  expect(home.scripts.map(({ path }) => path)).toEqual(["touch.sh", "form.sh"]);
});

test("charts have each day once, for whoever asks", async () => {
  const charts = (as: string, query: string) => bench.request(`/api/v1/task-charts?${query}`, { as });
  const { days } = (await bodyOf(await charts("bob", "since=2026-01-30&until=2026-02-02&timeZone=Europe/Berlin"))) as {
    days: { date: string; total: number }[];
  };
  expect(days.map(({ date, total }) => [date, total])).toEqual([
    ["2026-01-30", 0],
    ["2026-01-31", 0],
    ["2026-02-01", 0],
  ]);
  expect((await charts("ada", "site=chess")).status).toBe(200);
  expect((await charts("bob", "site=chess")).status).toBe(404);
  expect(await bodyOf(await charts("bob", "timeZone=Mars/Olympus"))).toMatchObject({ code: "time_zone_unknown" });
  expect((await charts("bob", "since=2026-02-30")).status).toBe(422);
});

describe("a task that runs", () => {
  const { promise: never } = Promise.withResolvers<never>();

  async function running(json: Readonly<Record<string, unknown>> = {}): Promise<TaskView> {
    const task = await create("ada", { script: "backup.sh", site: "chess", ...json });
    const following = await bench.request(`/api/v1/tasks/${task.uid}/events`, { as: "ada" });
    for await (const event of readEvents(following.body ?? (await never))) {
      const view = JSON.parse(event.data) as TaskView;
      if (view.startedAt !== null) return view;
    }
    throw new Error("it never ran");
  }
  const logOf = (uid: string, rest: string, init: Parameters<ManagerBench["request"]>[1] = {}) =>
    bench.request(`/api/v1/tasks/${uid}/logs/stdout${rest}`, { as: "ada", ...init });

  test("is told from queued to its end, with what it was given and what it used", async () => {
    const { runs } = bench.orchestrator.state;
    const task = await create("ada", { script: "backup.sh", site: "chess", arguments: ["a b"], environment: { KEY: "value" } });
    const following = await bench.request(`/api/v1/tasks/${task.uid}/events`, { as: "eve" });
    let last: TaskView | undefined;
    const states = new Set<string>();
    for await (const event of readEvents(following.body ?? (await never))) {
      last = JSON.parse(event.data) as TaskView;
      states.add(last.state);
      if (last.startedAt !== null) runs.finish(task.uid, { code: 3, stdout: "für\n" });
    }
    expect([...states].slice(-2)).toEqual(["running", "failed"]);
    expect(last).toMatchObject({ state: "failed", end: "exited", code: 3, attempt: 1, cpuMs: 5, stdoutBytes: 5, you: { mayControl: false } });
    const start = runs.starts.find(({ uid }) => uid === task.uid);
    expect(start?.spec).toMatchObject({ siteId, arguments: ["a b"], program: { kind: "script", path: "backup.sh" } });
    expect(start?.spec.environment).toMatchObject({ KEY: "value" });
  });

  test("that is tried again keeps how its earlier attempts ended, and what they used", async () => {
    const { runs } = bench.orchestrator.state;
    const { uid } = await running({ retry: { retries: 1, delaySeconds: 0 } });
    runs.finish(uid, { code: 3 });
    await expect.poll(() => runs.find(uid)?.attempt).toBe(2);
    runs.finish(uid, { code: 0 });
    await (await bench.request(`/api/v1/tasks/${uid}/events`, { as: "ada" })).text();
    const { task, attempts } = await bodyOf(await bench.request(`/api/v1/tasks/${uid}`, { as: "eve" }));
    expect(task).toMatchObject({ state: "succeeded", attempt: 2, code: 0 });
    expect(attempts).toEqual([
      {
        attempt: 1,
        startedAt: expect.any(String),
        finishedAt: expect.any(String),
        end: "exited",
        code: 3,
        signal: null,
        reason: "It exited with code 3. It is tried again.",
        cpuMs: 5,
        peakMemoryBytes: 1_000_000,
      },
    ]);
  });

  test("has output that goes on from where a client left off", async () => {
    const { runs } = bench.orchestrator.state;
    const { uid } = await running();
    runs.print(uid, "stdout", "one\n");
    const first = await logOf(uid, "");
    expect([first.headers.get("x-backlot-next-offset"), await first.text()]).toEqual(["4", "one\n"]);
    expect(first.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    const live = await logOf(uid, "?follow=true");
    const events = readEvents(live.body ?? (await never));
    expect((await events.next()).value).toEqual({ event: "message", id: "1-4", data: '{"offset":0,"next":4,"text":"one\\n","skipped":0,"attempt":1}' });
    runs.print(uid, "stdout", "two\n");
    expect((await events.next()).value).toMatchObject({ id: "1-8" });
    await events.return(undefined);
    const resumed = await logOf(uid, "?follow=true", { headers: { "last-event-id": "1-4" } });
    runs.finish(uid, { stdout: "end\n" });
    const rest = (await Array.fromAsync(readEvents(resumed.body ?? (await never)))).map(({ data }) => (JSON.parse(data) as { text: string }).text);
    expect(rest.join("")).toBe("two\nend\n");
    expect(await (await logOf(uid, "?offset=-4")).text()).toBe("end\n");
  });

  test("is cancelled by its worker", async () => {
    const { uid } = await running();
    const asked = (await bodyOf(await bench.request(`/api/v1/tasks/${uid}/cancel`, { method: "POST", as: "ada" }))).task as TaskView;
    expect(asked.isCancelRequested).toBe(true);
    await (await bench.request(`/api/v1/tasks/${uid}/events`, { as: "ada" })).text();
    expect((await bodyOf(await bench.request(`/api/v1/tasks/${uid}`, { as: "ada" }))).task).toMatchObject({ state: "cancelled" });
  });

  test("shows a former member nothing more of its output within two seconds", async () => {
    await bench.person("leaver");
    await bench.request("/api/v1/sites/chess/members/leaver", { method: "PUT", as: "ada", json: { role: "editor" } });
    const { uid } = await running();
    const log = await logOf(uid, "?follow=true", { as: "leaver" });
    const reader = log.body?.getReader();
    await reader?.read();
    const beganAt = Date.now();
    await bench.request("/api/v1/sites/chess/members/leaver", { method: "DELETE", as: "ada" });
    for (let chunk = await reader?.read(); chunk !== undefined && !chunk.done; chunk = await reader?.read());
    expect(Date.now() - beganAt).toBeLessThan(2_000);
    bench.orchestrator.state.runs.finish(uid);
  });

  test("in a disabled site shows its output to no member", async () => {
    const id = await createSite("closing");
    bench.orchestrator.state.runs.siteScripts.set(id, [fakeScript("backup.sh")]);
    const { uid } = await running({ site: "closing" });
    await bench.request("/api/v1/sites/closing", { method: "PATCH", as: "admin", json: { availability: "disabled", reason: "a test" } });
    expect(await bodyOf(await logOf(uid, ""))).toMatchObject({ code: "site_disabled" });
    expect((await bench.request(`/api/v1/tasks/${uid}`, { as: "ada" })).status).toBe(200);
    bench.orchestrator.state.runs.finish(uid);
  });
});
