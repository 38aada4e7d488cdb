import { z } from "zod";
import { reservedEnvironmentNames, timestamp } from "./site.ts";

/**
 * What became of a task. `queued` and `running` go on; every other state is the end, and never changes again.
 * `failed` ended with a code other than 0 or by a signal; `rejected` could not be started; `lost` means that nobody can tell.
 */
export const taskStates = ["queued", "running", "succeeded", "failed", "timed-out", "cancelled", "lost", "rejected"] as const;
export const taskState = z.enum(taskStates);
export type TaskState = z.output<typeof taskState>;

/** The states that are an end. */
export const endedTaskStates = ["succeeded", "failed", "timed-out", "cancelled", "lost", "rejected"] as const satisfies readonly TaskState[];

/** Whether a task in this state is over. */
export function isTaskEnded(state: TaskState): boolean {
  return (endedTaskStates as readonly TaskState[]).includes(state);
}

/**
 * Why a run ended. `not-found` goes with code 127 and `not-executable` with 126, as in a shell, but only when it is the script itself
 * that is missing: a script that ends with these codes has `exited`.
 */
export const runEnds = ["exited", "signalled", "not-found", "not-executable", "timed-out", "cancelled", "out-of-memory", "refused", "lost"] as const;
export const runEnd = z.enum(runEnds);
export type RunEnd = z.output<typeof runEnd>;

export const logStreams = ["stdout", "stderr"] as const;
export const logStream = z.enum(logStreams);
export type LogStream = z.output<typeof logStream>;

/** What is left to a task when its runner is lost: end as `lost`, or start once more. */
const onLost = z.enum(["fail", "retry"]);

/** A script's path below its folder: no empty, hidden or `..` part. */
export const scriptPath = z
  .string()
  .min(1)
  .max(1000)
  .refine((path) => !path.includes("\0") && path.split("/").every((part) => part !== "" && !part.startsWith(".")), "no empty, hidden or .. part");

/** One after the other, as the program gets them. */
export const taskArguments = z
  .array(
    z
      .string()
      .max(32_768)
      .refine((text) => !text.includes("\0"), "no NUL"),
  )
  .max(1000);

/** Higher goes first. */
export const taskPriority = z.int().min(-100).max(100);

/** What a run may use. */
export const runLimits = z.object({
  timeoutMs: z
    .int()
    .min(100)
    .max(7 * 24 * 3_600_000),
  cpu: z.number().min(0.05).max(64),
  memoryBytes: z.int().min(16_000_000).max(64_000_000_000),
  pids: z.int().min(4).max(4096),
  /** Of each stream; of more than this the head and the tail are kept. */
  outputBytes: z.int().min(1024).max(1_000_000_000),
});
export type RunLimits = z.output<typeof runLimits>;

/** What a task has unless its script or its site says otherwise. */
export const defaultRunLimits: RunLimits = { timeoutMs: 3_600_000, cpu: 1, memoryBytes: 512_000_000, pids: 128, outputBytes: 10_000_000 };

/** How to try again after a failure; after `lost` the script's own `onLost` decides. */
export const retryPolicy = z.object({
  /** Starts beyond the first. */
  retries: z.int().min(0).max(20).default(0),
  /** Before the first retry; doubled, with jitter, before each further one. */
  delaySeconds: z.int().min(0).max(86_400).default(10),
  onLost: onLost.default("fail"),
});
export type RetryPolicy = z.output<typeof retryPolicy>;

/** What a request may say of it. Written out: `partial()` would fill in the defaults, and a script's own policy would never count. */
export const retryWish = z.strictObject({
  retries: retryPolicy.shape.retries.unwrap().optional(),
  delaySeconds: retryPolicy.shape.delaySeconds.unwrap().optional(),
  onLost: onLost.optional(),
});
export type RetryWish = z.output<typeof retryWish>;

const isReservedName = (name: string): boolean =>
  /^(TASK_|DIRECTOR_|BACKLOT_|LD_)/.test(name) || reservedEnvironmentNames.some((reserved) => reserved === name);

/** A task's own variables. What the platform sets itself is refused, and so is what would load code into every program (`LD_…`). */
export const taskEnvironment = z
  .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, "a name has letters, digits and _, and no digit first"), z.string().max(32_768))
  .refine((all) => Object.keys(all).length <= 200, "at most 200 variables")
  .refine(
    (all) => !Object.keys(all).some(isReservedName),
    `the names ${reservedEnvironmentNames.join(", ")} and those that begin with TASK_, DIRECTOR_, BACKLOT_ or LD_ are set by the platform`,
  )
  .refine((all) => Object.values(all).every((value) => !value.includes("\0")), "values cannot hold NUL");

/**
 * One field of a script's form. It becomes `flag value` (one argument when the flag ends with `=`), or the bare value without a flag;
 * a switch becomes its flag alone, `--NAME` unless it has one.
 */
export const scriptParameter = z.strictObject({
  name: z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/),
  label: z.string().max(200).optional(),
  help: z.string().max(2000).optional(),
  type: z.enum(["text", "number", "choice", "switch"]).default("text"),
  flag: z.string().min(1).max(100).optional(),
  isRequired: z.boolean().default(false),
  default: z.union([z.string().max(1000), z.number(), z.boolean()]).optional(),
  choices: z.array(z.string().max(200)).min(1).max(200).optional(),
  min: z.number().optional(),
  max: z.number().optional(),
  /** A regular expression that the whole value has to match. */
  pattern: z.string().max(500).optional(),
  /** One value for each line, each becoming an argument. */
  isMultiple: z.boolean().default(false),
});
export type ScriptParameter = z.output<typeof scriptParameter>;

/** What `NAME.yaml`, `NAME.yml` or `NAME.json` beside a script may say. */
export const scriptManual = z.strictObject({
  title: z.string().max(200).optional(),
  description: z.string().max(4000).optional(),
  parameters: z.array(scriptParameter).max(50).optional(),
  /** Arguments beyond the parameters may be given. */
  allowsMoreArguments: z.boolean().optional(),
  timeoutSeconds: z
    .number()
    .min(0.1)
    .max(7 * 86_400)
    .optional(),
  retry: retryPolicy.optional(),
  /** The most runs of this script at once; more wait in the queue. */
  concurrency: z.int().min(1).max(1000).optional(),
  priority: taskPriority.optional(),
  limits: runLimits.omit({ timeoutMs: true }).partial().optional(),
});
export type ScriptManual = z.output<typeof scriptManual>;

/** A script that can be run. */
export const scriptView = z.object({
  path: scriptPath,
  size: z.int(),
  modifiedAt: timestamp,
  isExecutable: z.boolean(),
  manual: scriptManual,
  /** Why the file beside the script cannot be used; the script runs without it. */
  manualProblem: z.string().nullable(),
});
export type ScriptView = z.output<typeof scriptView>;
