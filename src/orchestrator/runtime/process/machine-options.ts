import type { SteadyClock } from "#kit/clock.ts";
import type { Log } from "#kit/log.ts";
import type { RunFolders } from "./mount-view.ts";

/** How a site's program is reached: over a veth pair, over a unix socket and a relay, or without any isolation. */
export type RuntimeMode = "veth" | "relay" | "plain";

/** What the machine is prepared with. */
export interface MachineOptions {
  readonly installation: string;
  readonly stateFolder: string;
  readonly sitesFolder: string;
  readonly nodeBinary: string;
  /** The folder of the socket of sites' databases; null where sites have none. */
  readonly databaseSockets: string | null;
  /** Null where only sites run anything. */
  readonly home: RunFolders | null;
  /** `auto` takes the best that works here. */
  readonly mode: RuntimeMode | "auto";
  readonly quarantineMs: number;
  readonly warmNetworks: number;
  /** How many launchers wait ready for a start, where programs have a network of their own. */
  readonly parkedLaunchers: number;
  /** How many nurseries wait for runs; 0 launches every run from the beginning. */
  readonly idleNurseries: number;
  /** How long a sandbox that a run has left as it was waits for another one like it. */
  readonly idleSandboxMs: number;
  /** New control groups for each run, as where the kernel cannot count anew in old ones. */
  readonly freshRunGroups: boolean;
  /** Networks that stay closed to sites that may connect to the internet, besides the private ones: `192.0.2.0/24`. */
  readonly closedNetworks: readonly string[];
  /** Where this machine's name servers stand. */
  readonly resolverFiles: readonly string[];
  /** False: relay by Node even where socat is installed. */
  readonly hasSocat: boolean;
  readonly clock: SteadyClock;
  readonly log: Log;
}
