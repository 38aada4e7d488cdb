import { expect, test } from "vitest";
import { type TaskBody, taskBody } from "#contract/api/tasks.ts";
import { defaultSiteLimits } from "#contract/site.ts";
import { actor, actorSite } from "../../../test/support/builders.ts";
import { fakeScript } from "../../../test/support/fake-runs.ts";
import { taskRules } from "../../../test/support/task-rules.ts";
import type { Actor } from "../accounts/user.ts";
import { cancelTask } from "./cancel-task.ts";
import { type CreateTaskDeps, createTask } from "./create-task.ts";
import { rerunTask } from "./rerun-task.ts";
import type { ActorTask } from "./task-store.ts";

const admin = actor({ id: 9, role: "administrator" });
const member = actor();

const again = (deps: CreateTaskDeps, who: Actor, task: ActorTask, idempotencyKey: string | null = null) => rerunTask(deps, who, { task, idempotencyKey });

function rules() {
  const site = actorSite({ id: 7, name: "chess", role: "editor" });
  const deps = { ...taskRules([site]), allowsCommands: true };
  deps.scripts.scripts.set(7, [fakeScript("touch.sh", { concurrency: 2 })]);
  const create = async (body: Partial<TaskBody>, who = member) =>
    (await createTask(deps, who, { body: taskBody.parse({ script: "touch.sh", site: "chess", ...body }), idempotencyKey: "once" })).task;
  return { deps, create, site };
}

test("a task that is run again is the same, with its environment, under its own uid and without the old key", async () => {
  const { deps, create } = rules();
  const first = await create({ arguments: ["x"], environment: { A: "secret" }, priority: 4, runAt: "2026-11-22T10:00:00Z" }, admin);
  await again(deps, admin, first);
  const [before, after] = deps.tasks.created;
  expect(after).toEqual({ ...before, uid: expect.not.stringMatching(first.uid), createdById: 9, rerunOf: first.uid, idempotencyKey: null, runAt: null });
});

test("a task that another member runs again gets none of the first one's environment", async () => {
  const { deps, create } = rules();
  const first = await create({ environment: { A: "secret" } });
  await again(deps, actor({ id: 5 }), first);
  await again(deps, member, first);
  const [, byAnother, byThemselves] = deps.tasks.created;
  expect(byAnother).toMatchObject({ sealedEnvironment: null, environmentNames: [], rerunOf: first.uid });
  expect(byThemselves).toMatchObject({ sealedEnvironment: 'sealed {"A":"secret"}', environmentNames: ["A"] });
});

test("a task that is run again gets no more than its site and its person have by now", async () => {
  const { deps, create, site } = rules();
  const long = await create({ timeoutSeconds: 7_200 }, admin);
  await again(deps, member, { ...long, actorSite: { ...site, limits: { ...defaultSiteLimits, memoryBytes: 20_000_000 } } });
  expect(deps.tasks.created[1]?.limits).toMatchObject({ timeoutMs: 3_600_000, memoryBytes: 20_000_000, cpu: defaultSiteLimits.cpu });
});

test("what is gone cannot be run again", async () => {
  const { deps, create } = rules();
  const task = await create({});
  await expect(again(deps, admin, { ...task, actorSite: null })).rejects.toMatchObject({ code: "site_not_found" });
  deps.scripts.scripts.clear();
  await expect(again(deps, member, task)).rejects.toMatchObject({ code: "script_not_found" });
  const command = { ...task, program: { kind: "command" as const, command: "ls" } };
  await again(deps, member, command);
  await expect(again({ ...deps, allowsCommands: false }, member, command)).rejects.toMatchObject({ code: "commands_off" });
  const legacy = { ...task, program: { kind: "script" as const, path: "echo", orCommand: "echo x" } };
  await again(deps, member, legacy);
  await expect(again({ ...deps, allowsCommands: false }, member, legacy)).rejects.toMatchObject({ code: "script_not_found" });
});

test("a waiting task is cancelled at once, a running one is asked to end, and one that has ended stays as it is", async () => {
  const { deps, create } = rules();
  const task = await create({});
  expect(await cancelTask(deps.tasks, task)).toMatchObject({ isAsked: true, task: { state: "cancelled" } });
  deps.tasks.change(task.uid, { state: "running", finishedAt: null });
  expect(await cancelTask(deps.tasks, { ...task, state: "running" })).toMatchObject({
    isAsked: true,
    task: { state: "running", cancelRequestedAt: expect.any(Date) },
  });
  expect(await cancelTask(deps.tasks, { ...task, state: "failed" })).toMatchObject({ isAsked: false, task: { state: "failed" } });
});

test("a repeated request to run a task again gives the task of the first, also when it could not be queued any more", async () => {
  const { deps, create } = rules();
  const first = await create({});
  const { task, isNew } = await again(deps, member, first, "pressed");
  expect([isNew, task.rerunOf]).toEqual([true, first.uid]);
  deps.scripts.scripts.clear();
  expect(await again(deps, member, first, "pressed")).toMatchObject({ isNew: false, task: { uid: task.uid } });
  await expect(again(deps, member, task, "pressed")).rejects.toMatchObject({ code: "idempotency_conflict" });
  await expect(again(deps, member, first, "once")).rejects.toMatchObject({ code: "idempotency_conflict" });
  expect(deps.tasks.created).toHaveLength(2);
});
