import { z } from "zod";
import { endpoint } from "../endpoint.ts";
import type { Component, GrantVerb } from "../grant.ts";
import { siteId, timestamp } from "../site.ts";
import { logStream, runEnd, runLimits, scriptPath, scriptView, taskArguments } from "../task.ts";

const may = (verb: GrantVerb, callers: readonly Component[] = ["worker"]) => ({ kind: "component", callers, verb }) as const;
const byUid = z.object({ uid: z.uuid() });

/** What a run starts. A command goes to `/bin/sh -c`, with the arguments as `$1`, `$2`, …; refused unless this host allows commands. */
export const runProgram = z.discriminatedUnion("kind", [
  /**
   * `orCommand` is what runs when there is no such script and this host allows commands: the original's habit. `shellArguments` belongs to it: where
   * commands are allowed a shell splits this text instead of taking `arguments`, `/bin/sh -c '"$0" TEXT' SCRIPT`.
   */
  z.strictObject({
    kind: z.literal("script"),
    path: scriptPath,
    orCommand: z.string().max(65_536).optional(),
    shellArguments: z.string().max(65_536).optional(),
  }),
  z.strictObject({ kind: z.literal("command"), command: z.string().min(1).max(65_536) }),
]);
export type RunProgram = z.output<typeof runProgram>;

/** Everything that an orchestrator needs to start a run. */
export const runSpec = z.strictObject({
  /** 1 for the first start. Of a task's attempts only the newest may run; an older one is ended first. */
  attempt: z.int().min(1),
  /** The site whose folder, user and environment the run has; null for the installation's home folder. */
  siteId: z.int().positive().nullable(),
  program: runProgram,
  arguments: taskArguments,
  /** Beyond what the site's own environment has; never the platform's. */
  environment: z.record(z.string(), z.string()),
  limits: runLimits,
  idempotencyKey: z.string().max(200).nullable(),
});
export type RunSpec = z.output<typeof runSpec>;

/** A run as its orchestrator knows it. */
export const runView = z.object({
  uid: z.uuid(),
  attempt: z.int(),
  state: z.enum(["running", "ended"]),
  startedAt: timestamp.nullable(),
  finishedAt: timestamp.nullable(),
  end: runEnd.nullable(),
  /** Null when a signal ended it, and when nobody can tell. */
  code: z.int().nullable(),
  signal: z.string().nullable(),
  /** A sentence for people, where the end needs one. */
  message: z.string().nullable(),
  /** Free bytes for ordinary users on the disk of the folder that it ran in. */
  diskBeforeBytes: z.int().nullable(),
  diskAfterBytes: z.int().nullable(),
  /** Null where this machine cannot measure it. */
  cpuMs: z.int().nullable(),
  peakMemoryBytes: z.int().nullable(),
  /** Bytes written by the program; what is kept may be less. */
  stdoutBytes: z.int(),
  stderrBytes: z.int(),
  /** The disk was full, or the output larger than its limit. */
  isOutputCut: z.boolean(),
});
export type RunView = z.output<typeof runView>;

export const putRun = endpoint({
  id: "run.put",
  method: "PUT",
  path: "/v1/runs/:uid",
  summary:
    "Start the run unless this attempt was started already, and answer when its process exists or it could not be started; with `waitMs` when it has ended, or that much later. Again: the same run, also after a crash of either side",
  access: may("run.start"),
  params: byUid,
  query: z.strictObject({ waitMs: z.coerce.number().int().min(0).max(1_000).default(0) }),
  body: runSpec,
  bodyLimitBytes: 4_194_304,
  result: runView,
  status: 200,
  failures: ["run_superseded", "machine_full", "component_away"],
});

export const awaitRun = endpoint({
  id: "run.await",
  method: "GET",
  path: "/v1/runs/:uid",
  summary: "The run, at once or when it has ended, whichever `waitMs` allows. Unknown here is 404",
  access: may("run.read", ["worker", "manager"]),
  params: byUid,
  query: z.strictObject({ waitMs: z.coerce.number().int().min(0).max(60_000).default(0) }),
  result: runView,
  status: 200,
  failures: ["run_not_found"],
});

export const cancelRun = endpoint({
  id: "run.cancel",
  method: "POST",
  path: "/v1/runs/:uid/cancel",
  summary: "Ask the whole process tree to end, end it after the grace, and answer with what became of it. Ended already is success",
  access: may("run.start"),
  params: byUid,
  body: z.strictObject({ attempt: z.int().min(1), graceMs: z.int().min(0).max(60_000), end: z.enum(["cancelled", "timed-out"]).default("cancelled") }),
  result: runView,
  status: 200,
  failures: ["run_not_found"],
});

export const forgetRun = endpoint({
  id: "run.forget",
  method: "DELETE",
  path: "/v1/runs/:uid",
  summary: "Delete the record and the output of a run that has ended; gone already is success",
  access: may("run.start"),
  params: byUid,
  status: 204,
});

/** A piece of output. `offset` counts bytes that the program wrote; `next` is where to go on; `skipped` bytes before this piece were not kept. */
export const runOutput = z.object({ offset: z.int(), next: z.int(), text: z.string(), skipped: z.int() });
export type RunOutput = z.output<typeof runOutput>;
export const readRunLog = endpoint({
  id: "run.log",
  method: "GET",
  path: "/v1/runs/:uid/logs/:stream",
  summary: "Output from a byte offset on (negative: from that many bytes before the end), one JSON object a line; with follow=true until the run ends",
  access: may("run.read", ["worker", "manager"]),
  params: byUid.extend({ stream: logStream }),
  query: z.strictObject({ offset: z.coerce.number().int().default(0), follow: z.stringbool().default(false) }),
  result: { raw: "text", mediaType: "application/x-ndjson" },
  status: 200,
  failures: ["run_not_found"],
});

export const listScripts = endpoint({
  id: "scripts.list",
  method: "GET",
  path: "/v1/scripts",
  summary: "The scripts of the installation's library, with their manuals",
  access: may("run.read", ["worker", "manager"]),
  result: z.object({ scripts: z.array(scriptView), allowsCommands: z.boolean() }),
  status: 200,
});

export const listSiteScripts = endpoint({
  id: "site.scripts.list",
  method: "GET",
  path: "/v1/sites/:siteId/scripts",
  summary: "The scripts in the site's folder private/scripts, with their manuals",
  access: may("site.files.read", ["worker", "manager"]),
  params: z.object({ siteId }),
  result: z.object({ scripts: z.array(scriptView), allowsCommands: z.boolean() }),
  status: 200,
});

const described = z.object({ script: scriptView.nullable() });
const byPath = z.strictObject({ path: scriptPath });

export const describeScript = endpoint({
  id: "scripts.describe",
  method: "GET",
  path: "/v1/scripts/one",
  summary: "One script of the installation's library with its manual, whether the list has room for it or not; null when there is none",
  access: may("run.read", ["worker", "manager"]),
  query: byPath,
  result: described,
  status: 200,
});

export const describeSiteScript = endpoint({
  id: "site.scripts.describe",
  method: "GET",
  path: "/v1/sites/:siteId/scripts/one",
  summary: "One script in the site's folder private/scripts with its manual, listed or not; null when there is none",
  access: may("site.files.read", ["worker", "manager"]),
  params: z.object({ siteId }),
  query: byPath,
  result: described,
  status: 200,
});

export const runEndpoints = [putRun, awaitRun, cancelRun, forgetRun, readRunLog, listScripts, listSiteScripts, describeScript, describeSiteScript] as const;
