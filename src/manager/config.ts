import { z } from "zod";
import { siteEgress } from "#contract/site.ts";
import { passwordLength } from "#core/accounts/password.ts";
import { orchestratorSettings } from "#core/nodes/orchestrator-urls.ts";
import { port } from "#kit/config.ts";
import { demoAccountDescription, demoAccountPattern, demoAccountProblem } from "#kit/demo-account.ts";
import { dashboardUrl, sitesDomain, sitesUrlPattern } from "#kit/public-address.ts";

const passwordProblem = `must have ${passwordLength.least} to ${passwordLength.most} characters`;

/** The manager's settings, by the names of their environment variables. */
export const configSchema = z.object({
  BACKLOT_HOST: z.string().default("127.0.0.1").describe("Address that the dashboard and the API listen on"),
  BACKLOT_PORT: port.default(8000).describe("Port of the dashboard and the API; 0 for any free one"),
  BACKLOT_PUBLIC_URL: z
    .url()
    .optional()
    .describe("Address of the dashboard as people type it, when a proxy stands before it; https makes the session cookie secure"),
  BACKLOT_SITES_DOMAIN: sitesDomain.describe("Domain below which each site has its own name; refused when the dashboard's host is or lies under it"),
  BACKLOT_SITES_URL_PATTERN: sitesUrlPattern.describe(
    "Address of a site as people type it, with {name} in it; made of the sites' domain and the router's port when absent",
  ),
  BACKLOT_ROUTER_PORT: port.default(8080).describe("Port of the router; sites' addresses carry it"),
  DATABASE_URL: z.string().describe("PostgreSQL, for example postgres://user@host/backlot").meta({ secret: true }),
  BACKLOT_CLUSTER_KEY_FILE: z.string().describe("File with the key that signs calls between processes"),
  ...orchestratorSettings,
  BACKLOT_ROUTER_URLS: z.string().default("").describe("Internal addresses of the routers, separated by commas; to purge and to read their page caches"),
  // A wrong one has to be said with the others: the manager itself would be started again and again.
  BACKLOT_ADMIN_PASSWORD: z
    .string()
    .min(passwordLength.least, passwordProblem)
    .max(passwordLength.most, passwordProblem)
    .optional()
    .describe("Password of the first administrator (user admin), 8 to 200 characters; without it a one-time set-up link is printed")
    .meta({ secret: true }),
  BACKLOT_SITE_LIMIT: z.coerce.number().int().min(0).default(100).describe("The most sites that a member may own"),
  BACKLOT_AWAKE_SITES: z.coerce
    .number()
    .int()
    .min(0)
    .default(3)
    .describe("The most programs that a member may keep awake while nobody visits them; administrators may keep any awake, and let others"),
  BACKLOT_SITE_EGRESS: siteEgress
    .default("none")
    .describe("Where programs of new sites may connect to: none, or internet (public addresses only); administrators change it for each site"),
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
  BACKLOT_TASK_COMMANDS: z
    .stringbool()
    .default(false)
    .describe("Let tasks run any command by /bin/sh, and not only scripts; the orchestrator has to allow it too"),
  BACKLOT_TASK_API_OPEN: z
    .stringbool()
    .default(false)
    .describe("Serve the original's task API (/task/…) without sign-in; refused unless the dashboard listens on this machine only"),
  BACKLOT_TASKS_WAITING: z.coerce.number().int().min(1).default(100_000).describe("The most tasks that may wait at once; more are refused"),
  AMQP_URL: z
    .url({ protocol: /^amqps?$/, error: "must be an address like amqp://user:password@host:5672/vhost, or amqps://" })
    .optional()
    .describe("RabbitMQ to announce tasks by, for example amqp://user:password@host:5672/vhost; without it they are announced by the database")
    .meta({ secret: true }),
  BACKLOT_FTP_DEMO_ACCOUNT: z.string().regex(demoAccountPattern, demoAccountProblem).optional().describe(demoAccountDescription).meta({ secret: true }),
  BACKLOT_TRUST_PROXY: z
    .stringbool()
    .default(false)
    .describe("A proxy is right before the dashboard: believe the last entry of its X-Forwarded-For, which it added itself"),
});
export type ManagerConfig = z.output<typeof configSchema>;

/** The addresses that people type. */
export interface PublicAddresses {
  readonly dashboard: string;
  readonly isSecure: boolean;
  /** With `{name}` in it. */
  readonly sitePattern: string;
}

/** Derives the addresses that people type from the settings and the port that was opened. */
export function publicAddresses(config: ManagerConfig, openedPort: number): PublicAddresses {
  const dashboard = dashboardUrl(config, openedPort).replace(/\/$/, "");
  const isSecure = dashboard.startsWith("https:");
  const suffix = config.BACKLOT_ROUTER_PORT === 80 || config.BACKLOT_ROUTER_PORT === 443 ? "" : `:${config.BACKLOT_ROUTER_PORT}`;
  const scheme = config.BACKLOT_ROUTER_PORT === 443 ? "https" : "http";
  return { dashboard, isSecure, sitePattern: config.BACKLOT_SITES_URL_PATTERN ?? `${scheme}://{name}.${config.BACKLOT_SITES_DOMAIN}${suffix}/` };
}
