import { describe, expect, it } from "vitest";
import { Failure } from "#contract/failure.ts";
import { defaultRunLimits } from "#contract/task.ts";
import type { AuditEntry } from "#core/audit/audit-store.ts";
import type { NewTask } from "#core/tasks/task.ts";
import { createSeal } from "#kit/seal.ts";
import { actorSite, user } from "../../../test/support/builders.ts";
import { fakeScript } from "../../../test/support/fake-runs.ts";
import { taskRules } from "../../../test/support/task-rules.ts";
import type { ActorSite } from "../sites/site.ts";
import { planTask } from "../tasks/plan-task.ts";
import { type FireDeps, fireSchedule } from "./fire-schedule.ts";
import { runKey, runUid } from "./run-uid.ts";
import { keepTask } from "./schedule-environment.ts";
import type { ClaimedSchedule, Firing, ScheduleQueue } from "./schedule-queue.ts";

const id = "11111111-2222-4333-8444-555555555555";
const seal = createSeal(new Uint8Array(32), "schedule environment");
const now = new Date("2026-11-22T10:00:00.010Z");
const dueAt = new Date("2026-11-22T10:00:00Z");

/** The queue as a schedule's row: what was written is what counts. */
class FakeQueue implements Pick<ScheduleQueue, "fire" | "pause" | "release"> {
  firing: Firing | undefined;
  paused: { readonly problem: string; readonly entry: AuditEntry } | undefined;
  released: { readonly afterMs: number; readonly problem: string | null } | undefined;
  isHeld = true;
  failure: Failure | undefined;

  async fire(_claim: ClaimedSchedule, firing: Firing) {
    if (this.failure !== undefined) throw this.failure;
    if (!this.isHeld) return null;
    this.firing = firing;
    return { created: firing.tasks.map(({ uid }) => uid) };
  }
  async pause(_claim: ClaimedSchedule, problem: string, entry: AuditEntry) {
    if (this.isHeld) this.paused = { problem, entry };
    return this.isHeld;
  }
  async release(_claim: ClaimedSchedule, request: { readonly afterMs: number; readonly problem: string | null }) {
    if (this.isHeld) this.released = request;
    return this.isHeld;
  }
}

function stage(options: { readonly site?: Parameters<typeof actorSite>[0] | null; readonly rules?: Parameters<typeof taskRules>[1] } = {}) {
  const sites = options.site === null ? [] : [actorSite({ id: 7, name: "chess", role: "editor", ...options.site })];
  const rules = taskRules(sites, options.rules);
  rules.scripts.scripts.set(0, [fakeScript("a.sh")]);
  rules.scripts.scripts.set(7, [fakeScript("a.sh")]);
  const queue = new FakeQueue();
  const deps: FireDeps = {
    queue: queue as unknown as ScheduleQueue,
    sites: { numberForActor: async (_, number) => sites.find((site) => site.id === number) ?? null },
    plan: (actor, wish) => planTask(rules, actor, wish),
    seal,
    maxWaiting: 10,
  };
  return { queue, rules, deps };
}

function claimed(changes: Partial<ClaimedSchedule> = {}): ClaimedSchedule {
  const behalf = changes.behalf === undefined ? user({ id: 3, username: "ada" }) : changes.behalf;
  return {
    id,
    name: "hourly",
    site: { id: 7, name: "chess" },
    cron: "0 * * * *",
    timeZone: "UTC",
    overlap: "skip",
    catchUp: "last",
    isPaused: false,
    problem: null,
    createdBy: behalf,
    createdAt: new Date("2026-11-01T00:00:00Z"),
    nextAt: dueAt,
    lastRun: null,
    fence: 1,
    dueAt,
    now,
    ...keepTask(seal, { script: "a.sh", arguments: ["x"], site: "chess", environment: { KEY: "secret" } }),
    ...changes,
    behalf,
  };
}

describe("a schedule that falls due", () => {
  it("creates the task of its moment, with its environment, and waits for the next one", async () => {
    const { deps, queue } = stage();
    expect(await fireSchedule(deps, claimed())).toEqual({ kind: "fired", created: [runUid(id, dueAt)] });
    const task: NewTask = {
      uid: runUid(id, dueAt),
      siteId: 7,
      program: { kind: "script", path: "a.sh" },
      arguments: ["x"],
      legacy: null,
      sealedEnvironment: 'sealed {"KEY":"secret"}',
      environmentNames: ["KEY"],
      priority: 0,
      retry: { retries: 0, delaySeconds: 10, onLost: "fail" },
      limits: queue.firing?.tasks[0]?.limits ?? defaultRunLimits,
      scriptConcurrency: null,
      createdById: null,
      scheduleId: id,
      rerunOf: null,
      idempotencyKey: runKey(id, dueAt),
      runAt: null,
    };
    expect(queue.firing).toEqual({ tasks: [task], nextAt: new Date("2026-11-22T11:00:00Z"), problem: null });
  });

  it("makes up for a downtime as its policy says", async () => {
    const uidsOf = async (catchUp: ClaimedSchedule["catchUp"]) => {
      const { deps, queue } = stage();
      await fireSchedule(deps, claimed({ catchUp, now: new Date("2026-11-22T12:30:00Z") }));
      return queue.firing?.tasks.map(({ uid }) => uid);
    };
    const moments = ["10", "11", "12"].map((hour) => runUid(id, new Date(`2026-11-22T${hour}:00:00Z`)));
    expect(await uidsOf("none")).toEqual([]);
    expect(await uidsOf("last")).toEqual(moments.slice(2));
    expect(await uidsOf("all")).toEqual(moments);
  });

  it("follows its site's new name", async () => {
    const { deps, queue } = stage({ site: { name: "draughts" } });
    await fireSchedule(deps, claimed());
    expect(queue.firing?.tasks).toHaveLength(1);
  });
});

describe("a schedule whose person has no right any more", () => {
  const cases: readonly (readonly [string, { readonly claim?: Partial<ClaimedSchedule>; readonly site?: Partial<ActorSite> | null }, string])[] = [
    ["is gone", { claim: { behalf: null } }, "The person on whose behalf it runs is gone."],
    ["may not sign in", { claim: { behalf: user({ username: "ada", isActive: false }) } }, "ada, on whose behalf it runs, may not sign in any more."],
    ["is no member any more", { site: null }, "ada, on whose behalf it runs, may not run tasks in the site chess any more."],
    ["may only look", { site: { role: "viewer" } }, "ada, on whose behalf it runs, may not run tasks in the site chess any more."],
    ["has a site that was disabled", { site: { availability: "disabled" } }, "This site was disabled by an administrator."],
    ["is no administrator any more", { claim: { site: null, task: { script: "a.sh", arguments: [] } } }, "may not run tasks in the home folder any more."],
  ];
  it.each(cases)("pauses itself and says so: the person %s", async (_, { claim, site }, problem) => {
    const { deps, queue } = stage(site === undefined ? {} : { site });
    const outcome = await fireSchedule(deps, claimed(claim));
    expect(outcome).toEqual({ kind: "paused", problem: expect.stringContaining(problem) });
    expect(queue.firing).toBeUndefined();
    expect(queue.paused?.problem).toContain(problem);
    expect(queue.paused?.entry).toMatchObject({ actorId: null, door: "system", action: "schedules.pause", details: { schedule: id, name: "hourly" } });
  });

  it("pauses too when the site was disabled for an administrator's schedule: nothing runs there", async () => {
    const { deps, queue } = stage({ site: { availability: "disabled" } });
    await fireSchedule(deps, claimed({ behalf: user({ role: "administrator" }) }));
    expect(queue.paused?.problem).toContain("disabled");
  });

  it("pauses when the site was disabled after it was looked at", async () => {
    const { deps, queue } = stage();
    queue.failure = new Failure("site_disabled");
    expect(await fireSchedule(deps, claimed())).toMatchObject({ kind: "paused" });
  });
});

describe("a schedule that cannot run now", () => {
  it("goes on with its plan when its script is missing, and says so", async () => {
    const { deps, queue, rules } = stage();
    rules.scripts.scripts.set(7, []);
    expect(await fireSchedule(deps, claimed())).toEqual({ kind: "fired", created: [] });
    expect(queue.firing).toMatchObject({
      tasks: [],
      nextAt: new Date("2026-11-22T11:00:00Z"),
      problem: expect.stringContaining("There is no script called a.sh"),
    });
  });

  it.each([
    ["nobody can tell whether there is a script", new Failure("component_away", { component: "orchestrator" }), "plan"],
    ["too many tasks wait", new Failure("task_limit_reached", { count: 10 }), "queue"],
  ] as const)("is tried again in a moment when %s", async (_, failure, where) => {
    const { deps, queue } = stage();
    if (where === "queue") queue.failure = failure;
    const plan = where === "plan" ? () => Promise.reject(failure) : deps.plan;
    expect(await fireSchedule({ ...deps, plan }, claimed())).toEqual({ kind: "postponed", problem: failure.message });
    expect(queue.released).toEqual({ afterMs: 10_000, problem: failure.message });
    expect(queue.firing).toBeUndefined();
  });

  it("is left alone when another has it", async () => {
    const { deps, queue } = stage();
    queue.isHeld = false;
    expect(await fireSchedule(deps, claimed())).toEqual({ kind: "lost" });
    expect(await fireSchedule(deps, claimed({ behalf: null }))).toEqual({ kind: "lost" });
  });

  it("leaves a bug to whoever logs it, with nothing written", async () => {
    const { deps, queue } = stage();
    await expect(fireSchedule({ ...deps, plan: () => Promise.reject(new Error("a bug")) }, claimed())).rejects.toThrow("a bug");
    expect([queue.firing, queue.paused, queue.released]).toEqual([undefined, undefined, undefined]);
  });
});
