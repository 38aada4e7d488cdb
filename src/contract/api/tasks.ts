import { z } from "zod";
import { endpoint } from "../endpoint.ts";
import { timestamp } from "../site.ts";
import {
  logStream,
  retryPolicy,
  retryWish,
  runEnd,
  runLimits,
  scriptPath,
  scriptView,
  taskArguments,
  taskEnvironment,
  taskPriority,
  taskState,
} from "../task.ts";
import { pageQuery } from "./views.ts";

/** What to run. Exactly one of `script` and `command`. What is left out comes from the script's manual, then from the installation. */
export const taskBody = z.strictObject({
  /** A path in the installation's script library, or with `site` in its folder private/scripts. */
  script: scriptPath.optional(),
  /** For `/bin/sh -c`; the arguments are `$1`, `$2`, …. Refused unless the installation allows commands. */
  command: z.string().min(1).max(65_536).optional(),
  arguments: taskArguments.default([]),
  /** Values of the script's form, by the parameters' names; they come before `arguments`. */
  parameters: z.record(z.string(), z.union([z.string().max(32_768), z.number(), z.boolean(), z.array(z.string().max(32_768)).max(1000)])).optional(),
  /** The site that it runs in; left out: the installation's home folder, for administrators. */
  site: z.string().max(64).optional(),
  priority: taskPriority.optional(),
  timeoutSeconds: z
    .number()
    .min(0.1)
    .max(7 * 86_400)
    .optional(),
  retry: retryWish.optional(),
  environment: taskEnvironment.optional(),
  /** Not before this moment. */
  runAt: timestamp.optional(),
});
export type TaskBody = z.output<typeof taskBody>;

/** A task as people see it. */
export const taskView = z.object({
  id: z.int(),
  uid: z.uuid(),
  state: taskState,
  /** Why it is in this state or still waits, in plain words; null when there is nothing to explain. */
  reason: z.string().nullable(),
  site: z.string().nullable(),
  script: z.string().nullable(),
  command: z.string().nullable(),
  arguments: z.array(z.string()),
  /** Names only. */
  environment: z.array(z.string()),
  priority: z.int(),
  retry: retryPolicy,
  limits: runLimits,
  attempt: z.int(),
  createdBy: z.string().nullable(),
  schedule: z.object({ id: z.uuid(), name: z.string() }).nullable(),
  rerunOf: z.uuid().nullable(),
  createdAt: timestamp,
  runAt: timestamp,
  startedAt: timestamp.nullable(),
  finishedAt: timestamp.nullable(),
  isCancelRequested: z.boolean(),
  end: runEnd.nullable(),
  code: z.int().nullable(),
  signal: z.string().nullable(),
  diskBeforeBytes: z.int().nullable(),
  diskAfterBytes: z.int().nullable(),
  cpuMs: z.int().nullable(),
  peakMemoryBytes: z.int().nullable(),
  stdoutBytes: z.int(),
  stderrBytes: z.int(),
  isOutputCut: z.boolean(),
  you: z.object({ mayControl: z.boolean() }),
});
export type TaskView = z.output<typeof taskView>;

/** An attempt that was followed by another one. */
export const taskAttempt = z.object({
  attempt: z.int(),
  startedAt: timestamp.nullable(),
  finishedAt: timestamp,
  end: runEnd,
  code: z.int().nullable(),
  signal: z.string().nullable(),
  /** Why it was not the last one, in plain words. */
  reason: z.string().nullable(),
  cpuMs: z.int().nullable(),
  peakMemoryBytes: z.int().nullable(),
});
export type TaskAttemptView = z.output<typeof taskAttempt>;

const byUid = z.object({ uid: z.string().max(64) });
const taskResult = z.object({ task: taskView });

export const createTask = endpoint({
  id: "tasks.create",
  method: "POST",
  path: "/api/v1/tasks",
  summary: "Queue a script or a command. With the header Idempotency-Key, a repeated request within a day gives the task of the first",
  access: { kind: "signed-in", scope: "tasks" },
  body: taskBody,
  bodyLimitBytes: 1_048_576,
  result: taskResult,
  status: 201,
  failures: [
    "site_not_found",
    "script_not_found",
    "parameters_invalid",
    "commands_off",
    "administrators_only",
    "isolation_missing",
    "idempotency_conflict",
    "task_limit_reached",
  ],
});

export const listTasks = endpoint({
  id: "tasks.list",
  method: "GET",
  path: "/api/v1/tasks",
  summary: "Tasks that you can see, newest first",
  access: { kind: "signed-in", scope: "read" },
  query: pageQuery.extend({
    site: z.string().max(64).optional(),
    /** Only those of the installation's home folder. */
    home: z.stringbool().optional(),
    state: z.union([taskState, z.array(taskState)]).optional(),
    script: z.string().max(1000).optional(),
    schedule: z.uuid().optional(),
    /** A part of the script, the command or an argument; or the beginning of a uid. */
    search: z.string().max(200).optional(),
    since: timestamp.optional(),
    until: timestamp.optional(),
  }),
  result: z.object({ tasks: z.array(taskView), next: z.string().nullable() }),
  status: 200,
});

export const readTask = endpoint({
  id: "tasks.read",
  method: "GET",
  path: "/api/v1/tasks/:uid",
  summary: "A task with its result, and its earlier attempts, the first one first",
  access: { kind: "task", act: "read", scope: "read" },
  params: byUid,
  result: taskResult.extend({ attempts: z.array(taskAttempt) }),
  status: 200,
});

export const followTask = endpoint({
  id: "tasks.follow",
  method: "GET",
  path: "/api/v1/tasks/:uid/events",
  summary: "The task now and at every change until it ends, as server-sent events",
  access: { kind: "task", act: "read", scope: "read" },
  params: byUid,
  result: { raw: "events", mediaType: "text/event-stream", event: taskView },
  status: 200,
});

/** One event of a log that is followed. An `offset` below the last `next` means that a new attempt began its output anew. */
export const taskOutput = z.object({ offset: z.int(), next: z.int(), text: z.string(), skipped: z.int(), attempt: z.int().optional() });
export const readTaskLog = endpoint({
  id: "tasks.log",
  method: "GET",
  path: "/api/v1/tasks/:uid/logs/:stream",
  summary:
    "Output from a byte offset on (negative: that many bytes before the end) as text; with follow=true as server-sent events; whoever comes back with the id of the last one (Last-Event-ID) misses nothing, also when the task was tried again meanwhile",
  access: { kind: "task", act: "read", scope: "read" },
  params: byUid.extend({ stream: logStream }),
  query: z.strictObject({ offset: z.coerce.number().int().default(0), follow: z.stringbool().default(false) }),
  result: { raw: "text", mediaType: "text/plain; charset=utf-8" },
  status: 200,
});

export const cancelTask = endpoint({
  id: "tasks.cancel",
  method: "POST",
  path: "/api/v1/tasks/:uid/cancel",
  summary: "End the task: at once while it waits, with its whole process tree while it runs. Ended already: nothing changes",
  access: { kind: "task", act: "control", scope: "tasks" },
  params: byUid,
  result: taskResult,
  status: 202,
});

export const rerunTask = endpoint({
  id: "tasks.rerun",
  method: "POST",
  path: "/api/v1/tasks/:uid/rerun",
  summary: "Queue a new task that is the same. With the header Idempotency-Key, a repeated request within a day gives the task of the first",
  access: { kind: "task", act: "control", scope: "tasks" },
  params: byUid,
  result: taskResult,
  status: 201,
  failures: ["idempotency_conflict"],
});

const scriptList = z.object({ scripts: z.array(scriptView), allowsCommands: z.boolean() });
export const listHomeScripts = endpoint({
  id: "scripts.list",
  method: "GET",
  path: "/api/v1/scripts",
  summary: "The installation's script library",
  access: { kind: "platform", verb: "tasks.home", scope: "read" },
  result: scriptList,
  status: 200,
});

export const listScriptsOfSite = endpoint({
  id: "sites.scripts",
  method: "GET",
  path: "/api/v1/sites/:name/scripts",
  summary: "The scripts in the site's folder private/scripts",
  access: { kind: "site", verb: "site.read", scope: "read" },
  params: z.object({ name: z.string().max(64) }),
  result: scriptList,
  status: 200,
});

export const taskDay = z.object({
  /** In the asked time zone: `2026-11-22`. */
  date: z.iso.date(),
  total: z.int(),
  succeeded: z.int(),
  failed: z.int(),
  /** Milliseconds; null when nothing ended or started on that day. */
  medianDurationMs: z.number().nullable(),
  p95DurationMs: z.number().nullable(),
  medianWaitMs: z.number().nullable(),
  p95WaitMs: z.number().nullable(),
});
export const readTaskCharts = endpoint({
  id: "tasks.charts",
  method: "GET",
  path: "/api/v1/task-charts",
  summary: "Per day: tasks, successes, duration, wait; and free disk space after each task",
  access: { kind: "signed-in", scope: "read" },
  query: z.strictObject({
    site: z.string().max(64).optional(),
    /** The first day; the first of this month unless given. */
    since: z.iso.date().optional(),
    /** The day after the last one; tomorrow unless given. */
    until: z.iso.date().optional(),
    timeZone: z.string().max(64).default("UTC"),
  }),
  result: z.object({ days: z.array(taskDay), disk: z.array(z.object({ at: timestamp, uid: z.uuid(), freeBytes: z.int() })) }),
  status: 200,
  failures: ["site_not_found", "time_zone_unknown"],
});

export const taskEndpoints = [
  createTask,
  listTasks,
  readTask,
  followTask,
  readTaskLog,
  cancelTask,
  rerunTask,
  listHomeScripts,
  listScriptsOfSite,
  readTaskCharts,
] as const;
