import { z } from "zod";
import { endpoint } from "../endpoint.ts";
import { timestamp } from "../site.ts";
import { taskBody } from "./tasks.ts";
import { pageQuery } from "./views.ts";

/** What happens when a run falls due while the one before goes on: wait for it, leave this one out, or end the one before. Two never go on together. */
export const overlapPolicies = ["queue", "skip", "replace"] as const;
/** What happens with runs that fell due while Backlot was down: nothing, the last one only, or each of them (at most 100). */
export const catchUpPolicies = ["none", "last", "all"] as const;

const scheduleBody = z.strictObject({
  name: z.string().trim().min(1).max(100),
  /** Five fields (minute, hour, day, month, weekday), or six with seconds first, at least 10 s apart; `@daily` and its like. */
  cron: z.string().trim().min(1).max(200),
  /** A name of the IANA database: `Europe/Berlin`. */
  timeZone: z.string().min(1).max(64).default("UTC"),
  overlap: z.enum(overlapPolicies).default("skip"),
  catchUp: z.enum(catchUpPolicies).default("last"),
  isPaused: z.boolean().default(false),
  /** The task that each run creates. */
  task: taskBody,
});

export const scheduleView = z.object({
  id: z.uuid(),
  name: z.string(),
  site: z.string().nullable(),
  cron: z.string(),
  timeZone: z.string(),
  overlap: z.enum(overlapPolicies),
  catchUp: z.enum(catchUpPolicies),
  isPaused: z.boolean(),
  /** Why it paused itself (its creator lost the right to the site), or why its last moment passed without a task; null when all is well. */
  problem: z.string().nullable(),
  /** Environment values are left out: each name has an empty text. Sent back so in a change, the value stays. */
  task: taskBody,
  /** The next five moments; none while it is paused. */
  nextRuns: z.array(timestamp),
  lastRun: z.object({ uid: z.uuid(), at: timestamp, state: z.string() }).nullable(),
  /** On whose behalf it runs: who set last what it runs, or that it runs again. */
  createdBy: z.string().nullable(),
  createdAt: timestamp,
  you: z.object({ mayControl: z.boolean() }),
});
export type ScheduleView = z.output<typeof scheduleView>;

const byId = z.object({ id: z.string().max(64) });
const scheduleResult = z.object({ schedule: scheduleView });

export const createSchedule = endpoint({
  id: "schedules.create",
  method: "POST",
  path: "/api/v1/schedules",
  summary: "Run a task again and again",
  access: { kind: "signed-in", scope: "tasks" },
  body: scheduleBody,
  bodyLimitBytes: 1_048_576,
  result: scheduleResult,
  status: 201,
  failures: [
    "site_not_found",
    "script_not_found",
    "parameters_invalid",
    "cron_invalid",
    "time_zone_unknown",
    "commands_off",
    "administrators_only",
    "schedule_limit_reached",
  ],
});

export const listSchedules = endpoint({
  id: "schedules.list",
  method: "GET",
  path: "/api/v1/schedules",
  summary: "Schedules that you can see, by name",
  access: { kind: "signed-in", scope: "read" },
  query: pageQuery.extend({ site: z.string().max(64).optional() }),
  result: z.object({ schedules: z.array(scheduleView), next: z.string().nullable() }),
  status: 200,
});

export const readSchedule = endpoint({
  id: "schedules.read",
  method: "GET",
  path: "/api/v1/schedules/:id",
  summary: "A schedule with its next runs",
  access: { kind: "schedule", act: "read", scope: "read" },
  params: byId,
  result: scheduleResult,
  status: 200,
});

export const updateSchedule = endpoint({
  id: "schedules.update",
  method: "PATCH",
  path: "/api/v1/schedules/:id",
  summary: "Change, pause or resume a schedule; absent fields stay",
  access: { kind: "schedule", act: "control", scope: "tasks" },
  params: byId,
  body: z.strictObject({
    name: scheduleBody.shape.name.optional(),
    cron: scheduleBody.shape.cron.optional(),
    timeZone: z.string().min(1).max(64).optional(),
    overlap: z.enum(overlapPolicies).optional(),
    catchUp: z.enum(catchUpPolicies).optional(),
    isPaused: z.boolean().optional(),
    task: taskBody.optional(),
  }),
  bodyLimitBytes: 1_048_576,
  result: scheduleResult,
  status: 200,
  failures: [
    "cron_invalid",
    "time_zone_unknown",
    "site_not_found",
    "script_not_found",
    "parameters_invalid",
    "commands_off",
    "administrators_only",
    "schedule_values_foreign",
  ],
});

export const deleteSchedule = endpoint({
  id: "schedules.delete",
  method: "DELETE",
  path: "/api/v1/schedules/:id",
  summary: "Delete a schedule; its tasks stay",
  access: { kind: "schedule", act: "control", scope: "tasks" },
  params: byId,
  status: 204,
});

export const runSchedule = endpoint({
  id: "schedules.run",
  method: "POST",
  path: "/api/v1/schedules/:id/run",
  summary: "Create its task now, beside the plan",
  access: { kind: "schedule", act: "control", scope: "tasks" },
  params: byId,
  result: z.object({ uid: z.uuid() }),
  status: 202,
  failures: ["schedule_values_foreign"],
});

export const previewSchedule = endpoint({
  id: "schedules.preview",
  method: "GET",
  path: "/api/v1/schedule-preview",
  summary: "The next five moments of a cron expression",
  access: { kind: "signed-in", scope: "read" },
  query: z.strictObject({ cron: z.string().max(200), timeZone: z.string().max(64).default("UTC") }),
  result: z.object({ next: z.array(timestamp) }),
  status: 200,
  failures: ["cron_invalid", "time_zone_unknown"],
});

export const scheduleEndpoints = [createSchedule, listSchedules, readSchedule, updateSchedule, deleteSchedule, runSchedule, previewSchedule] as const;
