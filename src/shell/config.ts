import { z } from "zod";
import { port } from "#kit/config.ts";

const count = (most: number) => z.coerce.number().int().min(1).max(most);

/** The SSH door's settings, by the names of their environment variables. */
export const configSchema = z.object({
  BACKLOT_DATA: z.string().default("./data").describe("Folder of everything that Backlot writes; the door's host keys stand in its folder `ssh`"),
  BACKLOT_HOST: z.string().default("127.0.0.1").describe("Address that the door listens on unless BACKLOT_SSH_HOST says another"),
  BACKLOT_SSH_HOST: z.string().optional().describe("Address that SSH listens on; that of BACKLOT_HOST unless given"),
  BACKLOT_SSH_PORT: port.default(2222).describe("Port of SSH and SFTP; 0 for any free one"),
  BACKLOT_SHELL_KEY_FILE: z.string().describe("File with the SSH door's own secret and the manager's public key"),
  BACKLOT_SSH_HEALTH_PORT: port
    .optional()
    .describe("Port on this machine's own address at which the SSH door says how it is: /healthz, /readyz and /metrics; 0 for any free one, none unless given"),
  BACKLOT_MANAGER_URL: z.url().describe("Where the manager's internal API answers"),
  BACKLOT_ORCHESTRATOR_URL: z.url().describe("Internal address of the orchestrator"),
  BACKLOT_SSH_PUBLIC_ADDRESS: z
    .string()
    .regex(/^[^\s:/]+(:\d{1,5})?$/, "is not an address like ssh.example.org:2222")
    .optional()
    .describe("Where people reach SSH, as ssh.example.org:2222: shown in the dashboard. The dashboard's host and BACKLOT_SSH_PORT unless given"),
  BACKLOT_SSH_CONNECTIONS: count(100_000).default(256).describe("Most SSH connections at once"),
  BACKLOT_SSH_CONNECTIONS_PER_ADDRESS: count(100_000).default(20).describe("Most SSH connections at once from one address (of IPv6: one /64)"),
  BACKLOT_SSH_ATTEMPTS: count(100).default(6).describe("Tries to sign in before an SSH connection is closed"),
  BACKLOT_SSH_FAILURE_DELAY_MS: z.coerce
    .number()
    .int()
    .min(0)
    .max(60_000)
    .default(3_000)
    .describe("How long in milliseconds the answer to a wrong password waits"),
  BACKLOT_SSH_SIGN_IN_SECONDS: count(3_600).default(30).describe("Seconds in which an SSH client has to have signed in"),
  BACKLOT_SSH_IDLE_SECONDS: count(86_400)
    .default(3_600)
    .describe("Seconds without anything typed, shown or transferred after which an SSH connection is closed"),
  BACKLOT_SSH_LONGEST_SECONDS: count(30 * 86_400)
    .default(86_400)
    .describe("Seconds after which an SSH connection is closed, whatever it does"),
});
export type ShellConfig = z.output<typeof configSchema>;

/** What a connection has to know of the settings. */
export interface DoorRules {
  readonly attempts: number;
  readonly failureDelayMs: number;
  readonly signInMs: number;
  readonly idleMs: number;
  readonly longestMs: number;
}

/** The address that the door listens on. */
export function hostOf(config: ShellConfig): string {
  return config.BACKLOT_SSH_HOST ?? config.BACKLOT_HOST;
}

/** The settings that a connection has to know. */
export function rulesOf(config: ShellConfig): DoorRules {
  return {
    attempts: config.BACKLOT_SSH_ATTEMPTS,
    failureDelayMs: config.BACKLOT_SSH_FAILURE_DELAY_MS,
    signInMs: config.BACKLOT_SSH_SIGN_IN_SECONDS * 1000,
    idleMs: config.BACKLOT_SSH_IDLE_SECONDS * 1000,
    longestMs: config.BACKLOT_SSH_LONGEST_SECONDS * 1000,
  };
}

/** Where people reach the door: the host only when the settings say so. */
export function publicAddress(config: ShellConfig, openedPort: number): { readonly host: string | null; readonly port: number } {
  const [host, given] = config.BACKLOT_SSH_PUBLIC_ADDRESS?.split(":") ?? [];
  return { host: host ?? null, port: given === undefined ? openedPort : Number(given) };
}
