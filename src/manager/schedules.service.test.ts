import pg from "pg";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { publicEndpoints } from "#contract/api/public.ts";
import type { ScheduleView } from "#contract/api/schedules.ts";
import type { TaskView } from "#contract/api/tasks.ts";
import { pathOf } from "#contract/client.ts";
import { fakeScript } from "../../test/support/fake-runs.ts";
import { type ManagerBench, startManagerBench } from "../../test/support/manager-bench.ts";

let bench: ManagerBench;

beforeAll(async () => {
  bench = await startManagerBench();
  const { runs } = bench.orchestrator.state;
  runs.scripts = [fakeScript("touch.sh")];
  for (const name of ["ada", "bob", "eve", "edi"]) await bench.person(name);
  runs.siteScripts.set(await createSite("chess"), [fakeScript("backup.sh")]);
  for (const [name, role] of [
    ["eve", "viewer"],
    ["edi", "editor"],
  ] as const) {
    await bench.request(`/api/v1/sites/chess/members/${name}`, { method: "PUT", as: "ada", json: { role } });
  }
});
afterAll(() => bench[Symbol.asyncDispose]());

async function createSite(name: string): Promise<number> {
  const response = await bench.request("/api/v1/sites", { method: "POST", as: "ada", json: { name, kind: "static" } });
  const { site, operation } = (await response.json()) as { site: { id: number }; operation: { id: string } };
  await (await bench.request(`/api/v1/operations/${operation.id}/events`, { as: "ada" })).text();
  return site.id;
}

const thisYear = new Date().getUTCFullYear();
const bodyOf = async (response: Response): Promise<Record<string, unknown>> => (await response.json()) as Record<string, unknown>;
const backup = { name: "backup", cron: "30 5 1 1 *", timeZone: "Europe/Berlin", task: { script: "backup.sh", site: "chess" } };
const post = (as: string, json: unknown) => bench.request("/api/v1/schedules", { method: "POST", as, json });
const patch = (as: string, id: string, json: unknown) => bench.request(`/api/v1/schedules/${id}`, { method: "PATCH", as, json });
const scheduleOf = async (response: Response): Promise<ScheduleView> => (await bodyOf(response)).schedule as ScheduleView;
const read = async (id: string, as = "ada") => scheduleOf(await bench.request(`/api/v1/schedules/${id}`, { as }));

async function make(as = "ada", changes: object = {}): Promise<ScheduleView> {
  const response = await post(as, { ...backup, ...changes });
  expect(response.status).toBe(201);
  return scheduleOf(response);
}

describe("a schedule", () => {
  test("answers with everything but the values of its environment, and its next five runs", async () => {
    const made = await make("ada", { task: { ...backup.task, environment: { KEY: "secret" } } });
    expect(made).toEqual({
      ...backup,
      id: made.id,
      site: "chess",
      overlap: "skip",
      catchUp: "last",
      isPaused: false,
      problem: null,
      task: { ...backup.task, arguments: [], environment: { KEY: "" } },
      nextRuns: [1, 2, 3, 4, 5].map((years) => `${thisYear + years}-01-01T04:30:00.000Z`),
      lastRun: null,
      createdBy: "ada",
      createdAt: made.createdAt,
      you: { mayControl: true },
    });
    expect(await read(made.id, "eve")).toEqual({ ...made, you: { mayControl: false } });
  });

  test.each([
    [{ cron: "* * *" }, 422, "cron_invalid"],
    [{ cron: "* * * * * *" }, 422, "cron_invalid"],
    [{ cron: "0 0 30 2 *" }, 422, "cron_invalid"],
    [{ timeZone: "Mars/Olympus" }, 422, "time_zone_unknown"],
    [{ task: { script: "gone.sh", site: "chess" } }, 422, "script_not_found"],
    [{ task: { command: "ls", site: "chess" } }, 422, "commands_off"],
    [{ task: { script: "backup.sh", site: "nowhere" } }, 404, "site_not_found"],
    [{ task: { script: "touch.sh" } }, 403, "administrators_only"],
    [{ overlap: "maybe" }, 422, "input_invalid"],
  ])("with %o is refused: %i %s", async (changes, status, code) => {
    const response = await post("ada", { ...backup, ...changes });
    expect([response.status, (await bodyOf(response)).code]).toEqual([status, code]);
  });

  test("is paused, resumed and changed; whoever sets what it runs or when, or resumes it, is the one that it runs for", async () => {
    const { id } = await make();
    expect(await scheduleOf(await patch("edi", id, { isPaused: true }))).toMatchObject({ isPaused: true, nextRuns: [], createdBy: "ada" });
    expect(await scheduleOf(await patch("edi", id, { cron: "@hourly" }))).toMatchObject({ nextRuns: [] });
    const resumed = await scheduleOf(await patch("edi", id, { isPaused: false, cron: "0 12 24 12 *" }));
    expect(resumed).toMatchObject({ isPaused: false, createdBy: "edi" });
    expect(resumed.nextRuns[0]).toMatch(/-12-24T11:00:00.000Z$/);
    expect(await scheduleOf(await patch("ada", id, { name: "other" }))).toMatchObject({ createdBy: "edi", name: "other" });
    expect(await scheduleOf(await patch("ada", id, { timeZone: "UTC" }))).toMatchObject({ createdBy: "ada" });
    expect((await read(id)).nextRuns[0]).toMatch(/-12-24T12:00:00.000Z$/);
    const changed = await scheduleOf(await patch("ada", id, { task: { script: "backup.sh", arguments: ["-v"] } }));
    expect(changed).toMatchObject({ createdBy: "ada", site: "chess", task: { site: "chess", arguments: ["-v"] } });
    expect((await bodyOf(await patch("ada", id, { cron: "x" }))).code).toBe("cron_invalid");
    expect((await bodyOf(await patch("ada", id, { task: { script: "gone.sh" } }))).code).toBe("script_not_found");
  });

  test("runs at once when told to, for whoever asks", async () => {
    const { id } = await make();
    const response = await bench.request(`/api/v1/schedules/${id}/run`, { method: "POST", as: "edi" });
    expect(response.status).toBe(202);
    const { uid } = (await response.json()) as { uid: string };
    const task = (await bodyOf(await bench.request(`/api/v1/tasks/${uid}`, { as: "eve" }))).task as TaskView;
    expect(task).toMatchObject({ schedule: { id, name: "backup" }, createdBy: "edi", script: "backup.sh" });
  });

  test("keeps its values from everybody but whoever set them, and administrators", async () => {
    const environment = { KEY: "secret" };
    const { id } = await make("ada", { task: { ...backup.task, environment } });
    const refused = { status: 409, code: "schedule_values_foreign", title: expect.stringContaining("(KEY) were set by ada") };
    expect(await bodyOf(await bench.request(`/api/v1/schedules/${id}/run`, { method: "POST", as: "edi" }))).toMatchObject(refused);
    expect(await bodyOf(await patch("edi", id, { cron: "@hourly" }))).toMatchObject(refused);
    expect(await bodyOf(await patch("edi", id, { task: { ...backup.task, arguments: ["-v"], environment: { KEY: "" } } }))).toMatchObject(refused);
    expect((await patch("edi", id, { isPaused: true })).status).toBe(200);
    expect(await bodyOf(await patch("edi", id, { isPaused: false }))).toMatchObject(refused);
    expect(await read(id)).toMatchObject({ createdBy: "ada", isPaused: true });
    const taken = await scheduleOf(await patch("edi", id, { isPaused: false, task: { ...backup.task, environment: { KEY: "own" } } }));
    expect(taken).toMatchObject({ createdBy: "edi", isPaused: false });
    expect(await bodyOf(await bench.request(`/api/v1/schedules/${id}/run`, { method: "POST", as: "ada" }))).toMatchObject({ code: "schedule_values_foreign" });
    const byAdmin = await bench.request(`/api/v1/schedules/${id}/run`, { method: "POST", as: "admin" });
    const { uid } = (await byAdmin.json()) as { uid: string };
    const { runs } = bench.orchestrator.state;
    await vi.waitFor(() => expect(runs.starts.find((start) => start.uid === uid)?.spec.environment).toMatchObject({ KEY: "own" }), { timeout: 10_000 });
  });

  test("runs at once with the values that it keeps, for whoever set them", async () => {
    const { runs } = bench.orchestrator.state;
    const { id } = await make("ada", { task: { ...backup.task, environment: { KEY: "secret", OLD: "x" } } });
    await patch("ada", id, { task: { ...backup.task, environment: { KEY: "", NEW: "y" } } });
    const response = await bench.request(`/api/v1/schedules/${id}/run`, { method: "POST", as: "ada" });
    expect(response.status).toBe(202);
    const { uid } = (await response.json()) as { uid: string };
    const task = (await bodyOf(await bench.request(`/api/v1/tasks/${uid}`, { as: "eve" }))).task as TaskView;
    expect(task).toMatchObject({ schedule: { id, name: "backup" }, createdBy: "ada", environment: ["KEY", "NEW"], script: "backup.sh" });
    expect((await read(id)).lastRun).toMatchObject({ uid });
    await vi.waitFor(() => expect(runs.starts.find((start) => start.uid === uid)?.spec.environment).toMatchObject({ KEY: "secret", NEW: "y" }), {
      timeout: 10_000,
    });
  });

  test("fires by itself, through the worker, and its task is run", async () => {
    const soon = new Date(Date.now() + 2_000);
    const { id } = await make("ada", { cron: `${soon.getUTCSeconds()} ${soon.getUTCMinutes()} * * * *`, timeZone: "UTC" });
    await vi.waitFor(async () => expect((await read(id)).lastRun).not.toBeNull(), { timeout: 10_000, interval: 50 });
    const { tasks } = (await bodyOf(await bench.request(`/api/v1/tasks?schedule=${id}`, { as: "ada" }))) as { tasks: readonly TaskView[] };
    expect(tasks).toEqual([expect.objectContaining({ schedule: { id, name: "backup" }, createdBy: null, site: "chess" })]);
  });

  test("is listed by name, of one site where asked, and gone when it was deleted", async () => {
    const { id } = await make("ada", { name: "aaa" });
    const home = await make("admin", { name: "home", task: { script: "touch.sh" } });
    const names = async (as: string, query = "") => {
      const { schedules } = (await bodyOf(await bench.request(`/api/v1/schedules${query}`, { as }))) as { schedules: readonly ScheduleView[] };
      return schedules.map(({ name }) => name);
    };
    expect((await names("ada"))[0]).toBe("aaa");
    expect(await names("ada")).not.toContain("home");
    expect(await names("admin")).toContain("home");
    expect(await names("admin", "?site=chess")).not.toContain("home");
    expect(await names("bob")).toEqual([]);
    expect((await bench.request("/api/v1/schedules?site=chess", { as: "bob" })).status).toBe(404);
    expect((await bench.request(`/api/v1/schedules/${home.id}`, { as: "ada" })).status).toBe(404);
    expect((await bench.request(`/api/v1/schedules/${id}`, { method: "DELETE", as: "edi" })).status).toBe(204);
    expect((await bench.request(`/api/v1/schedules/${id}`, { as: "ada" })).status).toBe(404);
  });

  test("leaves its traces in the audit trail", async () => {
    const { id } = await make();
    await patch("edi", id, { isPaused: true });
    await bench.request(`/api/v1/schedules/${id}`, { method: "DELETE", as: "ada" });
    const { entries } = (await bodyOf(await bench.request("/api/v1/sites/chess/audit", { as: "ada" }))) as {
      entries: readonly { readonly action: string; readonly details: { readonly schedule?: string } }[];
    };
    const mine = entries.filter(({ details }) => details.schedule === id).map(({ action }) => action);
    expect(mine).toEqual(["schedules.delete", "schedules.update", "schedules.create"]);
  });

  test("is 404 for strangers, and 401 for nobody, whatever they ask; viewers change nothing", async () => {
    const { id } = await make();
    const shapes = publicEndpoints.filter(({ access }) => access.kind === "schedule");
    expect(shapes.length).toBeGreaterThan(3);
    for (const shape of shapes) {
      const ask = (as: string | undefined, schedule: string) => {
        const malformed = shape.method === "PATCH" ? { body: "{", headers: { "content-type": "application/json" } } : {};
        return bench.request(pathOf(shape, { params: { id: schedule } }), { method: shape.method, ...(as === undefined ? {} : { as }), ...malformed });
      };
      expect((await ask(undefined, id)).status, shape.id).toBe(401);
      const stranger = await ask("bob", id);
      expect([stranger.status, (await bodyOf(stranger)).code], shape.id).toEqual([404, "schedule_not_found"]);
      for (const wrong of ["nonsense", "11111111-2222-4333-8444-555555555555", "%00"]) expect((await ask("ada", wrong)).status, shape.id).toBe(404);
      if (shape.access.kind === "schedule" && shape.access.act === "control") expect((await ask("eve", id)).status, shape.id).toBe(404);
    }
    expect(await read(id)).toMatchObject({ isPaused: false });
  });
});

test("a schedule that would be refused by now is listed and read without its next runs", async () => {
  const { id } = await make("ada", { name: "old" });
  const client = new pg.Client({ connectionString: bench.databaseUrl });
  await client.connect();
  await client.query("update schedules set cron = '0 0 1 * +MON' where id = $1", [id]);
  await client.end();
  expect(await read(id)).toMatchObject({ cron: "0 0 1 * +MON", nextRuns: [] });
  const { schedules } = (await bodyOf(await bench.request("/api/v1/schedules?limit=100", { as: "ada" }))) as unknown as { schedules: ScheduleView[] };
  expect(schedules.find((schedule) => schedule.id === id)?.nextRuns).toEqual([]);
  expect(schedules.some(({ nextRuns }) => nextRuns.length === 5)).toBe(true);
  const again = await patch("ada", id, { cron: "0 0 8-31 * +MON" });
  expect(await bodyOf(again)).toMatchObject({ status: 422, code: "cron_invalid", title: expect.stringContaining("a plus sign") });
});

describe("the preview", () => {
  test("gives the next five moments, or says what is wrong", async () => {
    const ask = (query: string) => bench.request(`/api/v1/schedule-preview?${query}`, { as: "bob" });
    const { next } = (await (await ask("cron=0+12+29+2+*&timeZone=UTC")).json()) as { next: readonly string[] };
    expect(next).toEqual(Array(5).fill(expect.stringMatching(/-02-29T12:00:00.000Z$/)));
    expect(await bodyOf(await ask("cron=61+*+*+*+*"))).toMatchObject({ code: "cron_invalid", title: expect.stringContaining("minute: 61") });
    expect(await bodyOf(await ask("cron=@daily&timeZone=Mars"))).toMatchObject({ code: "time_zone_unknown" });
  });
});
