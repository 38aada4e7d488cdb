import { z } from "zod";
import { port } from "#kit/config.ts";
import { edgeSettings } from "./edge/edge-settings.ts";

const count = (most: number) => z.coerce.number().int().min(1).max(most);
const day = 24 * 60 * 60 * 1000;

/** The router's settings. */
export const configSchema = z.object({
  ...edgeSettings,
  BACKLOT_DATA: z.string().default("./data").describe("Folder that holds everything Backlot writes; sites' files stand in sites/ below it"),
  BACKLOT_SHARED_FOLDER: z.string().optional().describe("Folder on storage that several orchestrators share; sites' files stand in sites/ below it"),
  BACKLOT_HOST: z.string().default("127.0.0.1").describe("Address on which the router listens for visitors"),
  BACKLOT_ROUTER_PORT: port.default(8080).describe("Port on which the router listens for visitors; 0 = any free one"),
  BACKLOT_ROUTER_ADMIN_HOST: z
    .string()
    .default("127.0.0.1")
    .describe("Address of the router's internal API, for a manager, worker or Traefik on other machines; all of it asks for a token, none of it is encrypted"),
  BACKLOT_ROUTER_ADMIN_PORT: port.default(0).describe("Port of the router's internal API; 0 = any free one"),
  BACKLOT_MANAGER_URL: z.url().describe("Where the manager's internal API answers, for the route feed"),
  BACKLOT_PUBLIC_URL: z.url().optional().describe("Where people reach the dashboard; error pages link to it"),
  BACKLOT_COMPONENT_KEY_FILE: z.string().describe("The router's key file, written by the manager's host"),
  BACKLOT_SITES_DOMAIN: z.string().toLowerCase().default("localhost").describe("Domain under which sites stand: NAME.<domain>"),
  BACKLOT_ROUTER_TRUSTED_PROXIES: z
    .string()
    .default("")
    .describe("Comma-separated addresses or CIDR blocks of proxies in front of the router, whose X-Forwarded-* headers are believed"),
  BACKLOT_ROUTER_MAX_CONNECTIONS: count(1_000_000).default(10_000).describe("Most visitors' connections at once"),
  BACKLOT_ROUTER_SITE_REQUESTS: count(100_000)
    .default(2_000)
    .describe("Most requests at once of one site that its program works on; behind HAProxy of each host, too, whoever answers them"),
  BACKLOT_ROUTER_WAITING_REQUESTS: count(100_000).default(1_000).describe("Most requests of one site that wait for it to wake"),
  BACKLOT_ROUTER_HOLD_MS: count(10 * 60_000)
    .default(30_000)
    .describe("Longest time in milliseconds that a request waits for its site to wake"),
  BACKLOT_ROUTER_WAKE_MS: count(10 * 60_000)
    .default(120_000)
    .describe("Longest time in milliseconds that waking a site may take"),
  BACKLOT_ROUTER_AWAY_MS: count(10 * 60_000)
    .default(5_000)
    .describe("How long in milliseconds waking is tried again while the orchestrator does not answer"),
  BACKLOT_ROUTER_CONNECT_MS: count(60_000).default(5_000).describe("Longest time in milliseconds to connect to a site's program"),
  BACKLOT_ROUTER_UPLOAD_STALL_MS: count(day).default(60_000).describe("Longest pause in milliseconds in a visitor's upload"),
  BACKLOT_ROUTER_RESPONSE_HEAD_MS: count(day).default(120_000).describe("Longest time in milliseconds until a site's program begins to answer"),
  BACKLOT_ROUTER_IDLE_MS: count(7 * day)
    .default(60 * 60_000)
    .describe("Longest silence in milliseconds on an answer that has begun, or on a WebSocket"),
  BACKLOT_ROUTER_FEED_SILENCE_MS: count(60 * 60_000)
    .default(30_000)
    .describe("After how many milliseconds without a sign of life the route feed is opened anew"),
  BACKLOT_ROUTER_SWEEP_MS: count(60_000).default(250).describe("How often in milliseconds idle sites and overdue requests are looked for"),
  BACKLOT_ROUTER_FREEZE_SECONDS: z.coerce
    .number()
    .min(0)
    .max(86_400)
    .default(60)
    .describe("After how many seconds without a visitor a site's program is frozen, until it goes to sleep; 0: never"),
  BACKLOT_ROUTER_CACHE_BYTES: z.coerce.number().int().min(0).default(33_554_432).describe("Most bytes of static files kept in memory"),
  BACKLOT_ROUTER_PAGE_CACHE_BYTES: z.coerce
    .number()
    .int()
    .min(0)
    .default(67_108_864)
    .describe("Most bytes of sites' answers kept in memory, all sites together; 0: none are kept"),
  BACKLOT_ROUTER_PAGE_BYTES: count(67_108_864).default(1_048_576).describe("Most bytes of one answer that is kept"),
  REDIS_URL: z
    .string()
    .regex(/^(?:rediss?:\/\/|\/)/, "must be an address like redis://host:6379, rediss://, or the path of a socket")
    .optional()
    .describe("Redis in which routers share kept answers, for example redis://host:6379/0; without it each keeps its own in memory")
    .meta({ secret: true }),
  BACKLOT_ROUTER_REDIS_BYTES: z.coerce.number().int().min(1_048_576).default(268_435_456).describe("Most bytes of kept answers in Redis, all sites together"),
  BACKLOT_ROUTER_REDIS_MS: count(10_000).default(50).describe("How long in milliseconds an answer of Redis is waited for before the site is asked instead"),
  BACKLOT_TRAEFIK_TOKEN: z
    .string()
    .min(16)
    .optional()
    .describe("What Traefik's HTTP provider brings as bearer token to /v1/traefik of the router's internal API; without it there is no such address")
    .meta({ secret: true }),
  BACKLOT_TRAEFIK_ACTIVATORS: z
    .string()
    .default("")
    .describe("Addresses of the routers as Traefik reaches them, separated by commas: http://10.0.0.1:8080; this router's own without it"),
  BACKLOT_TRAEFIK_ENTRY_POINTS: z.string().default("").describe("Traefik's entry points for sites, separated by commas; all of them without it"),
  BACKLOT_TRAEFIK_CERT_RESOLVER: z.string().optional().describe("Traefik's resolver of certificates for sites; without it there is no TLS"),
  BACKLOT_ROUTER_STOP_MS: count(60_000).default(3_000).describe("How long in milliseconds requests under way may go on when the router stops"),
});
export type RouterConfig = z.output<typeof configSchema>;
