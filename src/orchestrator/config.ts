import { z } from "zod";
import { siteEgress } from "#contract/site.ts";
import { port } from "#kit/config.ts";

/** The orchestrator's settings, by the names of their environment variables. */
export const configSchema = z.object({
  BACKLOT_DATA: z.string().default("./data").describe("Folder of everything that Backlot writes; sites stand in its folder `sites`"),
  BACKLOT_SHARED_FOLDER: z
    .string()
    .optional()
    .describe(
      "Folder on storage that several orchestrators share (NFS): sites, what is kept of them, scripts and the home folder stand there instead of in BACKLOT_DATA, and each can take the others' sites over. BACKLOT_DATA stays each one's own",
    ),
  BACKLOT_ORCHESTRATOR_HOST: z.string().default("127.0.0.1").describe("Address that the orchestrator listens on, for other processes only"),
  BACKLOT_ORCHESTRATOR_PORT: port.default(0).describe("Port of the orchestrator; 0 for any free one"),
  BACKLOT_COMPONENT_KEY_FILE: z.string().describe("File with this process' own secret and the manager's public key"),
  BACKLOT_RUNTIME: z
    .enum(["process", "swarm"])
    .default("process")
    .describe("How sites' programs run: as child processes of the orchestrator, or as services of the Docker swarm that its machine is in"),
  DOCKER_HOST: z
    .string()
    .regex(/^(unix:\/\/\/.+|tcp:\/\/[^/]+\/?)$/, "like unix:///var/run/docker.sock or tcp://10.0.0.1:2376")
    .default("unix:///var/run/docker.sock")
    .describe("The Docker engine of this machine, for the runtime `swarm`"),
  DOCKER_CERT_PATH: z.string().optional().describe("Folder of ca.pem, cert.pem and key.pem for engines that are reached over TLS"),
  BACKLOT_SWARM_MANAGER: z
    .string()
    .regex(/^$|^\s*(unix:\/\/\/[^,]+|tcp:\/\/[^/,]+\/?)\s*(,\s*(unix:\/\/\/[^,]+|tcp:\/\/[^/,]+\/?)\s*)*$/, "like tcp://10.0.0.1:2376,tcp://10.0.0.2:2376")
    .default("")
    .describe("Addresses of engines that manage the swarm, where this machine's does not: another one is asked when one does not answer"),
  BACKLOT_TRAEFIK_SITES_DOMAIN: z
    .hostname()
    .toLowerCase()
    .optional()
    .describe("With it services of sites carry the labels by which Traefik finds them, for NAME.<domain>"),
  BACKLOT_TRAEFIK_NETWORK: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]*$/, "is not a network's name")
    .optional()
    .describe("Name of an attachable overlay network by which Traefik reaches sites' services; on it they answer proxies and reach nobody"),
  BACKLOT_SWARM_IMAGE: z.string().min(1).default("node:24-bookworm").describe("The image of sites that name none, and of tasks outside of sites"),
  BACKLOT_STATIC_IMAGE: z
    .string()
    .min(1)
    .default("nginx:stable")
    .describe("The image of static sites that have a file server of their own (`dedicated`), with nginx, /etc/nginx/mime.types and a shell"),
  BACKLOT_SWARM_NODE_ADDRESS: z
    .ipv4()
    .optional()
    .describe("Address by which routers reach sites on this machine; by default the one by which the swarm knows it"),
  BACKLOT_SWARM_ROUTERS: z
    .string()
    .regex(/^$|^\s*\d+(\.\d+){3}(\/\d+)?\s*(,\s*\d+(\.\d+){3}(\/\d+)?\s*)*$/, "addresses or networks such as 10.0.0.7 or 10.0.0.0/24, separated by commas")
    .default("")
    .describe("Routers on other machines, which may connect to sites on this one: 10.0.0.7, 10.0.1.0/24. Those on this machine may anyway"),
  BACKLOT_SITE_DATABASE_SOCKETS: z
    .string()
    .optional()
    .describe("Folder of the socket by which sites reach the server of their databases; site-postgres/run in BACKLOT_DATA unless given"),
  BACKLOT_SITE_DATABASE_ADDRESS: z
    .string()
    .regex(/^(\[[0-9a-fA-F:.]+\]|[^:/\s]+):\d{1,5}$/, "is not an address like db.example.org:5432")
    .optional()
    .describe("HOST:PORT of a PostgreSQL server of your own for sites' databases, to which their connections are passed on"),
  BACKLOT_SITE_BOOT_MS: z.coerce.number().int().min(100).max(600_000).default(30_000).describe("Milliseconds that a site's program may take until it listens"),
  BACKLOT_QUOTA_WATCH_MS: z.coerce.number().int().min(100).default(30_000).describe("How often the files of running programs are counted, in milliseconds"),
  BACKLOT_SITE_GRACE_MS: z.coerce
    .number()
    .int()
    .min(0)
    .max(60_000)
    .default(3_000)
    .describe("Milliseconds that a site's program has to end by itself when it is stopped"),
  BACKLOT_SITE_UNVISITED_MS: z.coerce
    .number()
    .int()
    .min(1_000)
    .default(600_000)
    .describe("Milliseconds after which a program that came back by itself after a crash goes to sleep unless somebody has asked for it"),
  BACKLOT_FROZEN_BYTES: z.coerce
    .number()
    .int()
    .min(0)
    .default(268_435_456)
    .describe("Bytes of memory that frozen programs may hold together; those that rest longest are stopped to keep to it. 0 freezes none"),
  BACKLOT_REST_LOOK_MS: z.coerce
    .number()
    .int()
    .min(10)
    .max(60_000)
    .default(5_000)
    .describe("How often frozen programs are looked at, in milliseconds, while there are any"),
  BACKLOT_STARTS_AT_ONCE: z.coerce
    .number()
    .int()
    .min(1)
    .max(1_000)
    .default(8)
    .describe("The most programs that start at the same time; others wait their turn"),
  BACKLOT_SCRIPTS: z.string().optional().describe("Folder of the scripts that administrators run as tasks; by default `scripts` in BACKLOT_DATA"),
  BACKLOT_HOME_FOLDER: z.string().optional().describe("Folder that tasks outside of sites work in; by default `homedir` in BACKLOT_DATA"),
  BACKLOT_HOME_EGRESS: siteEgress
    .default("none")
    .describe("What tasks outside of sites may connect to: `none`, or `internet`, public addresses on the same conditions as sites"),
  BACKLOT_TASK_STDOUT: z.string().optional().describe("Folder of what tasks print; by default `logs/tasks` in BACKLOT_DATA"),
  BACKLOT_TASK_STDERR: z.string().optional().describe("Folder of what tasks complain of; by default `logs/tasks` in BACKLOT_DATA"),
  BACKLOT_TASK_COMMANDS: z.stringbool().default(false).describe("Whether tasks may be shell commands besides scripts"),
  BACKLOT_RUNS_AT_ONCE: z.coerce.number().int().min(1).max(4_096).default(64).describe("The most tasks that run at the same time on this machine"),
  BACKLOT_TERMINAL_IDLE_MINUTES: z.coerce
    .number()
    .min(1)
    .max(10_000)
    .default(60)
    .describe("Minutes after which a terminal closes in which nothing was typed or shown"),
  BACKLOT_TERMINAL_HOURS: z.coerce.number().min(0.01).max(1_000).default(3).describe("Hours after which a terminal closes in any case"),
  BACKLOT_TERMINALS_PER_SITE: z.coerce.number().int().min(1).max(1_000).default(8).describe("The most terminals of the dashboard that are open in one site"),
  BACKLOT_EGRESS_CLOSED: z
    .string()
    .regex(/^$|^\s*\d+(\.\d+){3}\/\d+\s*(,\s*\d+(\.\d+){3}\/\d+\s*)*$/, "networks such as 192.0.2.0/24, separated by commas")
    .default("")
    .describe("Networks with public addresses that sites may not connect to although they may to the internet: 192.0.2.0/24, separated by commas"),
  BACKLOT_HISTORY_BYTES: z.coerce
    .number()
    .int()
    .min(0)
    .default(50_000_000)
    .describe("Bytes that the earlier versions of one site's files may take together, beside its files; 0 keeps none"),
  BACKLOT_HISTORY_VERSIONS: z.coerce.number().int().min(1).max(5_000).default(50).describe("The most earlier versions of one file that are kept"),
  BACKLOT_HISTORY_DAYS: z.coerce.number().int().min(1).max(36_500).default(90).describe("Days after which an earlier version of a file is forgotten"),
  BACKLOT_HISTORY_FILE_BYTES: z.coerce
    .number()
    .int()
    .min(0)
    .max(100_000_000)
    .default(2_097_152)
    .describe("Bytes of the largest file that keeps earlier versions"),
  BACKLOT_DISK_RESERVE_BYTES: z.coerce
    .number()
    .int()
    .min(0)
    .default(500_000_000)
    .describe("Bytes of the disk that sites may not take, so that the platform itself can go on writing"),
});
export type OrchestratorConfig = z.output<typeof configSchema>;
