import { z } from "zod";
import { orchestratorSettings } from "#core/nodes/orchestrator-urls.ts";
import { port } from "#kit/config.ts";

/** The worker's settings, by the names of their environment variables. */
export const configSchema = z.object({
  DATABASE_URL: z.string().describe("PostgreSQL, for example postgres://user@host/backlot").meta({ secret: true }),
  BACKLOT_WORKER_HOST: z.string().default("127.0.0.1").describe("Address at which the worker says how it is: /healthz, /readyz and /metrics"),
  BACKLOT_WORKER_PORT: port
    .optional()
    .describe("Port at which the worker says how it is, one for each worker of a machine; 0 for any free one, and without it none"),
  BACKLOT_WORKER_SOCKET: z
    .string()
    .optional()
    .describe("Unix socket at which the worker says the same, for workers that share an address and cannot have a port each"),
  BACKLOT_CLUSTER_KEY_FILE: z.string().describe("File with the key that signs calls between processes"),
  ...orchestratorSettings,
  BACKLOT_ROUTER_URLS: z.string().describe("Internal addresses of the routers, separated by commas"),
  BACKLOT_OPERATION_CONCURRENCY: z.coerce.number().int().min(1).max(64).default(8).describe("How many operations run at once in this worker"),
  BACKLOT_OPERATION_LEASE_SECONDS: z.coerce
    .number()
    .min(1)
    .max(300)
    .default(10)
    .describe("After how long the operations of a worker that died go on elsewhere"),
  BACKLOT_RECONCILE_SECONDS: z.coerce
    .number()
    .min(1)
    .default(30)
    .describe("How often sites are compared with what they should be; from 30 on every minute only while there is nothing to do"),
  BACKLOT_TASK_CONCURRENCY: z.coerce.number().int().min(1).max(256).default(4).describe("How many tasks run at once through this worker"),
  BACKLOT_TASKS_PER_SITE: z.coerce.number().int().min(1).max(256).default(2).describe("How many tasks of one site run at once, counted over all workers"),
  BACKLOT_TASKS_PER_PERSON: z.coerce
    .number()
    .int()
    .min(1)
    .max(256)
    .default(2)
    .describe("How many tasks of one member run at once, in all sites, counted over all workers; administrators' tasks and those of the home folder are free"),
  BACKLOT_TASK_LEASE_SECONDS: z.coerce
    .number()
    .min(1)
    .max(300)
    .default(30)
    .describe("After how long another worker follows the tasks of one that died; their scripts go on meanwhile"),
  BACKLOT_TASK_GRACE_SECONDS: z.coerce
    .number()
    .min(0)
    .max(60)
    .default(10)
    .describe("How long the processes of a cancelled task have between SIGTERM and SIGKILL"),
  BACKLOT_RUN_LOST_SECONDS: z.coerce
    .number()
    .min(1)
    .max(86_400)
    .default(60)
    .describe("After how long without an answer from the orchestrator a script that it started counts as lost"),
  BACKLOT_TASK_KEEP_DAYS: z.coerce.number().min(1).max(36_500).default(90).describe("After how many days tasks that ended are deleted, with their output"),
  BACKLOT_TASK_COMMANDS: z
    .stringbool()
    .default(false)
    .describe("Let tasks run any command by /bin/sh, and not only scripts; the orchestrator has to allow it too"),
  BACKLOT_TASKS_WAITING: z.coerce.number().int().min(1).default(100_000).describe("The most tasks that may wait at once; more are refused"),
  AMQP_URL: z
    .url({ protocol: /^amqps?$/, error: "must be an address like amqp://user:password@host:5672/vhost, or amqps://" })
    .optional()
    .describe("RabbitMQ to announce tasks by, for example amqp://user:password@host:5672/vhost; without it they are announced by the database")
    .meta({ secret: true }),
  BACKLOT_SITE_DATABASE_URL: z
    .string()
    .optional()
    .describe("A PostgreSQL server of your own for sites' databases, by an administrator's address; without it Backlot starts a private one for them")
    .meta({ secret: true }),
  BACKLOT_SITE_DATABASE_BYTES: z.coerce
    .number()
    .int()
    .min(16_777_216)
    .default(268_435_456)
    .describe("The most bytes of a site's database; above, it takes no writes, and above one and a half times as many no connections"),
  BACKLOT_UNISOLATED_FOR_ALL: z
    .stringbool()
    .default(false)
    .describe("Let everyone run programs although this machine cannot keep sites apart (not for untrusted people)"),
});

export type WorkerConfig = z.output<typeof configSchema>;
