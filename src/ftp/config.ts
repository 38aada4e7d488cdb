import { z } from "zod";
import { ConfigError, port } from "#kit/config.ts";
import { demoAccountDescription, demoAccountPattern, demoAccountProblem, isLoopback } from "#kit/demo-account.ts";

const seconds = (most: number) => z.coerce.number().int().min(1).max(most);

/** The FTP door's settings, by the names of their environment variables. */
export const configSchema = z.object({
  BACKLOT_DATA: z.string().default("./data").describe("Folder of everything that Backlot writes; the door's own certificate stands in its folder `ftp`"),
  BACKLOT_HOST: z.string().default("127.0.0.1").describe("Address that the door listens on unless BACKLOT_FTP_HOST says another"),
  BACKLOT_FTP_HOST: z.string().optional().describe("Address that FTP listens on; that of BACKLOT_HOST unless given"),
  BACKLOT_FTP_PORT: port.default(2121).describe("Port of FTP and FTPS; 0 for any free one"),
  BACKLOT_FTP_KEY_FILE: z.string().describe("File with the FTP door's own secret and the manager's public key"),
  BACKLOT_FTP_HEALTH_PORT: port
    .optional()
    .describe("Port on this machine's own address at which the FTP door says how it is: /healthz, /readyz and /metrics; 0 for any free one, none unless given"),
  BACKLOT_MANAGER_URL: z.url().describe("Where the manager's internal API answers"),
  BACKLOT_ORCHESTRATOR_URL: z.url().describe("Internal address of the orchestrator"),
  BACKLOT_FTP_ALLOW_PLAIN: z
    .stringbool()
    .default(false)
    .describe("Take passwords and files without TLS although FTP listens on more than this machine (for a network that you trust)"),
  BACKLOT_FTP_CERTIFICATE: z
    .string()
    .optional()
    .describe("PEM file with the certificate (chain) of FTPS; without it one is made and signed by itself on the first start"),
  BACKLOT_FTP_CERTIFICATE_KEY: z.string().optional().describe("PEM file with the private key of BACKLOT_FTP_CERTIFICATE"),
  BACKLOT_FTP_SESSION_REUSE: z
    .stringbool()
    .default(false)
    .describe("Take protected data connections only with the TLS session of their control connection, so that nobody else can be at their other end"),
  BACKLOT_FTP_PASSIVE_PORTS: z
    .string()
    .regex(/^\d{1,5}-\d{1,5}$/, "is not a range like 50000-50100")
    .optional()
    .describe("Ports of passive data connections, as 50000-50100, to be let through a firewall; any free ones unless given"),
  BACKLOT_FTP_MASQUERADE_ADDRESS: z
    .ipv4()
    .optional()
    .describe("IPv4 address that PASV tells clients, where they reach this machine under another one than it has itself"),
  BACKLOT_FTP_CONNECTIONS: seconds(100_000).default(256).describe("Most FTP connections at once"),
  BACKLOT_FTP_CONNECTIONS_PER_ADDRESS: seconds(100_000).default(5).describe("Most FTP connections at once from one address (of IPv6: one /64)"),
  BACKLOT_FTP_ATTEMPTS: seconds(100).default(3).describe("Tries to sign in before an FTP connection is closed"),
  BACKLOT_FTP_FAILURE_DELAY_MS: z.coerce
    .number()
    .int()
    .min(0)
    .max(60_000)
    .default(3_000)
    .describe("How long in milliseconds the answer to a wrong password waits"),
  BACKLOT_FTP_SIGN_IN_SECONDS: seconds(3_600).default(60).describe("Seconds in which an FTP client has to have signed in"),
  BACKLOT_FTP_IDLE_SECONDS: seconds(86_400).default(300).describe("Seconds of silence after which an FTP connection is closed"),
  BACKLOT_FTP_DEMO_ACCOUNT: z.string().regex(demoAccountPattern, demoAccountProblem).optional().describe(demoAccountDescription).meta({ secret: true }),
});
export type FtpConfig = z.output<typeof configSchema>;

/** What a session has to know of the settings. */
export interface DoorRules {
  readonly requiresTls: boolean;
  readonly requiresSessionReuse: boolean;
  readonly attempts: number;
  readonly failureDelayMs: number;
  readonly signInMs: number;
  readonly idleMs: number;
  readonly passivePorts: { readonly first: number; readonly last: number } | null;
  readonly masqueradeAddress: string | null;
  readonly banner: string;
}

/** The address that the door listens on. */
export function hostOf(config: FtpConfig): string {
  return config.BACKLOT_FTP_HOST ?? config.BACKLOT_HOST;
}

/**
 * The settings that a session has to know.
 * @throws {ConfigError} for a demo account that others than this machine could reach, and for ports that are no range.
 */
export function rulesOf(config: FtpConfig): DoorRules {
  const isLocal = isLoopback(hostOf(config));
  const isDemo = config.BACKLOT_FTP_DEMO_ACCOUNT !== undefined;
  const problems: string[] = [];
  if (isDemo && !isLocal)
    problems.push(
      `BACKLOT_FTP_DEMO_ACCOUNT: it is for this machine only, but FTP listens on ${hostOf(config)}; set BACKLOT_FTP_HOST to 127.0.0.1, or do without it`,
    );
  const [first = 0, last = 0] = config.BACKLOT_FTP_PASSIVE_PORTS?.split("-").map(Number) ?? [];
  if (config.BACKLOT_FTP_PASSIVE_PORTS !== undefined && (first < 1024 || last > 65_535 || first > last))
    problems.push("BACKLOT_FTP_PASSIVE_PORTS: the ports go from 1024 to 65535, the lower one first");
  if ((config.BACKLOT_FTP_CERTIFICATE === undefined) !== (config.BACKLOT_FTP_CERTIFICATE_KEY === undefined))
    problems.push("BACKLOT_FTP_CERTIFICATE: a certificate and its BACKLOT_FTP_CERTIFICATE_KEY come together; give both");
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    requiresTls: !isLocal && !config.BACKLOT_FTP_ALLOW_PLAIN,
    requiresSessionReuse: config.BACKLOT_FTP_SESSION_REUSE,
    attempts: config.BACKLOT_FTP_ATTEMPTS,
    failureDelayMs: config.BACKLOT_FTP_FAILURE_DELAY_MS,
    signInMs: config.BACKLOT_FTP_SIGN_IN_SECONDS * 1000,
    idleMs: config.BACKLOT_FTP_IDLE_SECONDS * 1000,
    passivePorts: config.BACKLOT_FTP_PASSIVE_PORTS === undefined ? null : { first, last },
    masqueradeAddress: config.BACKLOT_FTP_MASQUERADE_ADDRESS ?? null,
    banner: isDemo ? "Hello! Welcome to the remote-executor app." : "Backlot FTP: sign in with your user name, or NAME/SITE.",
  };
}
