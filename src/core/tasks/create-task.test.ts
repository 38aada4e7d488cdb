import { describe, expect, test } from "vitest";
import { type TaskBody, taskBody } from "#contract/api/tasks.ts";
import type { Capabilities } from "#contract/internal/orchestrator.ts";
import { defaultSiteLimits } from "#contract/site.ts";
import { defaultRunLimits, type ScriptManual, scriptManual } from "#contract/task.ts";
import { actor, actorSite } from "../../../test/support/builders.ts";
import { fakeScript } from "../../../test/support/fake-runs.ts";
import { taskRules } from "../../../test/support/task-rules.ts";
import type { ActorSite } from "../sites/site.ts";
import { createTask } from "./create-task.ts";

const admin = actor({ role: "administrator" });
const member = actor();
const bodyOf = (body: Partial<TaskBody>): TaskBody => taskBody.parse({ script: "touch.sh", ...body });

function rules(
  options: { readonly site?: Partial<ActorSite>; readonly manual?: unknown; readonly allowsCommands?: boolean; readonly isolates?: boolean } = {},
) {
  const capabilities = { isolates: options.isolates ?? true, missing: ["bubblewrap is not installed"] } as unknown as Capabilities;
  const deps = taskRules([actorSite({ id: 7, name: "chess", role: "editor", ...options.site })], {
    allowsCommands: options.allowsCommands ?? false,
    host: { capabilities: async () => capabilities },
  });
  const manual: ScriptManual = scriptManual.parse(options.manual ?? {});
  deps.scripts.scripts.set(0, [fakeScript("touch.sh", manual), fakeScript("ls.sh")]);
  deps.scripts.scripts.set(7, [fakeScript("touch.sh", manual)]);
  return deps;
}

const create = (deps: ReturnType<typeof rules>, body: Partial<TaskBody>, who = admin) => createTask(deps, who, { body: bodyOf(body), idempotencyKey: null });

describe("a new task", () => {
  test("of the home folder has everything that its row needs", async () => {
    const deps = rules();
    await create(deps, { arguments: ["a b", "$HOME"], environment: { NAME: "value" }, priority: 5, runAt: "2026-11-22T10:00:00+01:00" });
    expect(deps.tasks.created).toEqual([
      {
        uid: "00000000-0000-4000-8000-000000000001",
        siteId: null,
        program: { kind: "script", path: "touch.sh" },
        arguments: ["a b", "$HOME"],
        legacy: null,
        sealedEnvironment: 'sealed {"NAME":"value"}',
        environmentNames: ["NAME"],
        priority: 5,
        retry: { retries: 0, delaySeconds: 10, onLost: "fail" },
        limits: defaultRunLimits,
        scriptConcurrency: null,
        createdById: 1,
        scheduleId: null,
        rerunOf: null,
        idempotencyKey: null,
        runAt: new Date("2026-11-22T09:00:00Z"),
      },
    ]);
  });

  test("has what the script's manual says, unless the request says otherwise", async () => {
    const manual = {
      priority: 3,
      timeoutSeconds: 7200,
      concurrency: 1,
      retry: { retries: 2, delaySeconds: 60, onLost: "retry" },
      limits: { memoryBytes: 2_000_000_000 },
    };
    const own = rules({ manual });
    await create(own, {});
    await create(own, { priority: 0, timeoutSeconds: 1.5, retry: { retries: 1 } });
    expect(own.tasks.created).toMatchObject([
      {
        priority: 3,
        scriptConcurrency: 1,
        retry: { retries: 2, delaySeconds: 60, onLost: "retry" },
        limits: { ...defaultRunLimits, timeoutMs: 7_200_000, memoryBytes: 2_000_000_000 },
      },
      { priority: 0, retry: { retries: 1, delaySeconds: 60, onLost: "retry" }, limits: { timeoutMs: 1_500 } },
    ]);
  });

  test("is repeated after a loss only as its script says, and as asked where the script says nothing", async () => {
    const silent = rules();
    await create(silent, { retry: { onLost: "retry" } });
    const spoken = rules({ manual: { retry: { onLost: "fail" } } });
    await create(spoken, { retry: { onLost: "retry" } });
    expect([silent.tasks.created[0]?.retry.onLost, spoken.tasks.created[0]?.retry.onLost]).toEqual(["retry", "fail"]);
  });

  test("gets its arguments from the form, then from the request", async () => {
    const deps = rules({ manual: { parameters: [{ name: "file", isRequired: true, flag: "--file" }], allowsMoreArguments: true } });
    await create(deps, { parameters: { file: "x" }, arguments: ["-v"] });
    expect(deps.tasks.created[0]?.arguments).toEqual(["--file", "x", "-v"]);
    await expect(create(deps, { arguments: ["-v"] })).rejects.toMatchObject({
      code: "parameters_invalid",
      message: "Some parameters of the script are not right; mend them: file is required.",
    });
  });
});

describe("what a site's task may use", () => {
  test("is never more than the site has, whatever the manual says, and less when it says less", async () => {
    const greedy = rules({ manual: { limits: { cpu: 64, memoryBytes: 64_000_000_000, pids: 4096, outputBytes: 1_000_000_000 }, timeoutSeconds: 86_400 } });
    await create(greedy, { site: "chess" }, member);
    const { cpu, memoryBytes, pids } = defaultSiteLimits;
    expect(greedy.tasks.created[0]?.limits).toEqual({ timeoutMs: 3_600_000, cpu, memoryBytes, pids, outputBytes: 10_000_000 });
    const modest = rules({ manual: { limits: { cpu: 0.1, pids: 4 } } });
    await create(modest, { site: "chess" }, member);
    expect(modest.tasks.created[0]?.limits).toMatchObject({ cpu: 0.1, pids: 4, memoryBytes });
  });

  test("is an hour for members and longer for administrators", async () => {
    const deps = rules();
    await expect(create(deps, { site: "chess", timeoutSeconds: 3601 }, member)).rejects.toMatchObject({
      code: "input_invalid",
      message: expect.stringContaining("at most 3600"),
    });
    await create(deps, { site: "chess", timeoutSeconds: 3601 }, admin);
    expect(deps.tasks.created[0]?.limits.timeoutMs).toBe(3_601_000);
  });
});

describe("who may not", () => {
  test.for<[string, string, Partial<TaskBody>, Partial<ActorSite>]>([
    ["a member in the home folder", "administrators_only", {}, {}],
    ["anyone in a site that they do not see", "site_not_found", { site: "other" }, {}],
    ["someone who is no member", "site_not_found", { site: "chess" }, { role: null }],
    ["a viewer", "role_too_low", { site: "chess" }, { role: "viewer" }],
    ["a member of a disabled site", "site_disabled", { site: "chess" }, { availability: "disabled" }],
  ])("%s is refused before anything else is said", async ([, code, body, site]) => {
    const deps = rules({ site });
    // What would be wrong besides is not told.
    await expect(create(deps, { script: "none.sh", ...body }, member)).rejects.toMatchObject({ code });
    expect(deps.tasks.created).toEqual([]);
  });

  test("where sites cannot be kept apart only those of administrators run scripts, as programs do", async () => {
    await expect(create(rules({ isolates: false }), { site: "chess" }, member)).rejects.toMatchObject({ code: "isolation_missing" });
    await expect(create(rules({ isolates: false }), { site: "chess" }, admin)).rejects.toMatchObject({ code: "isolation_missing" });
    await create(rules({ isolates: false, site: { isOwnedByAdministrator: true } }), { site: "chess" }, member);
    await create(rules({ isolates: false }), {}, admin);
  });
});

describe("a repeated request", () => {
  const again = (deps: ReturnType<typeof rules>, body: Partial<TaskBody>, who = member) =>
    createTask(deps, who, { body: bodyOf({ site: "chess", ...body }), idempotencyKey: "k" });

  test("gives the task of the first when its script has gone meanwhile, to the same person for the same task only", async () => {
    const deps = rules();
    const first = await again(deps, { arguments: ["a"], environment: { NAME: "x" } });
    deps.scripts.scripts.set(7, []);
    const second = await again(deps, { arguments: ["a"], environment: { NAME: "y" } });
    expect(second).toMatchObject({ isNew: false, task: { uid: first.task.uid, actorSite: { name: "chess" } } });
    const refusal = { code: "script_not_found" };
    await expect(again(deps, { arguments: ["b"], environment: { NAME: "x" } })).rejects.toMatchObject(refusal);
    await expect(again(deps, { arguments: ["a"] })).rejects.toMatchObject(refusal);
    await expect(again(deps, { script: "other.sh", arguments: ["a"], environment: { NAME: "x" } })).rejects.toMatchObject(refusal);
    await expect(again(deps, { arguments: ["a"], environment: { NAME: "x" } }, actor({ id: 99 }))).rejects.toMatchObject(refusal);
    expect(deps.tasks.created).toHaveLength(1);
  });

  test("gives nothing of a place that is not theirs any more", async () => {
    const deps = rules();
    await again(deps, {});
    const out = { ...deps, sites: { forActor: async () => null }, tasks: Object.assign(deps.tasks, { forActor: async () => null }) };
    await expect(createTask(out, member, { body: bodyOf({}), idempotencyKey: "k" })).rejects.toMatchObject({ code: "administrators_only" });
  });
});

describe("what cannot run", () => {
  test("is a script that is not there; those that are there are named", async () => {
    await expect(create(rules(), { script: "none.sh" })).rejects.toMatchObject({
      code: "script_not_found",
      message: "There is no script called none.sh; choose another one. There are: touch.sh, ls.sh.",
    });
    const empty = rules();
    empty.scripts.scripts.clear();
    await expect(create(empty, { site: "chess" }, member)).rejects.toThrow(
      "There is no script called touch.sh; choose another one. The site's folder private/scripts holds none.",
    );
    empty.scripts.scripts.set(
      0,
      Array.from({ length: 25 }, (_, index) => fakeScript(`s${index}`)),
    );
    await expect(create(empty, {})).rejects.toThrow(/s18, s19, and 5 more\.$/);
  });

  test("is a command, unless the installation allows them", async () => {
    await expect(create(rules(), { script: undefined, command: "ls" })).rejects.toMatchObject({ code: "commands_off" });
    const allowed = rules({ allowsCommands: true });
    await create(allowed, { script: undefined, command: "ls $1", arguments: ["x"] });
    expect(allowed.tasks.created[0]).toMatchObject({ program: { kind: "command", command: "ls $1" }, arguments: ["x"] });
  });

  test.for<[string, Partial<TaskBody>]>([
    ["neither script nor command", { script: undefined }],
    ["both", { command: "ls" }],
    ["a command with a form", { script: undefined, command: "ls", parameters: { x: "y" } }],
    ["a command with NUL", { script: undefined, command: "ls\0" }],
  ])("is %s", async ([, body]) => {
    await expect(create(rules({ allowsCommands: true }), body)).rejects.toMatchObject({ code: "input_invalid" });
  });

  test("is anything when too many tasks wait", async () => {
    const deps = { ...rules(), maxWaiting: 1 };
    await create(deps, {});
    await expect(create(deps, {})).rejects.toMatchObject({ code: "task_limit_reached" });
  });
});

test.for(["PATH", "HOME", "PORT", "DATABASE_URL", "TASK_UID", "DIRECTOR_DATABASE_URL", "BACKLOT_ADMIN_PASSWORD", "LD_PRELOAD", "A B", "1X", ""])(
  "the variable %j is refused",
  (name) => {
    expect(taskBody.safeParse({ script: "x", environment: { [name]: "1" } }).success).toBe(false);
    expect(taskBody.safeParse({ script: "x", environment: { OK: "1" } }).success).toBe(true);
    expect(taskBody.safeParse({ script: "x", environment: { OK: "a\0b" } }).success).toBe(false);
  },
);
