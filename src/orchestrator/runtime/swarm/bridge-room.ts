import type Docker from "dockerode";
import { findProgram } from "../process/machine-programs.ts";
import { runCommand } from "../process/run-command.ts";

/** What the kernel lets one bridge carry, measured. */
export const mostPorts = 1_023;
const bridge = "docker0";
/** The network itself, its broadcast address, and the bridge's own. */
const takenAddresses = 3;

/** How many containers fit on a bridge with this subnet: `172.30.0.1/24`. */
export function capacityOf(subnet: string): number {
  const bits = Number(/\/(\d+)$/.exec(subnet)?.[1] ?? 16);
  return Math.max(0, Math.min(mostPorts, 2 ** (32 - bits) - takenAddresses));
}

/** Whether an engine or its swarm says that there is no place for another container: others have been quicker. */
export function saysFull(words: string): boolean {
  return /no suitable node|insufficient resources|exchange full|no available IPv4/i.test(words);
}

/** How many ports the engine's own bridge has now, whoever made them; 0 where that cannot be seen. `inNetwork`: put before a command to run it where the bridge is. */
export async function portsOnBridge(inNetwork: readonly string[]): Promise<number> {
  const program = findProgram("ip");
  if (program === null) return 0;
  const { code, stdout } = await runCommand([...inNetwork, program, "-o", "link", "show", "master", bridge]);
  return code === 0 ? stdout.split("\n").filter((line) => line !== "").length : 0;
}

/** How many more containers it carries: it needs an address for each, and a port. */
export async function roomOnBridge(docker: Docker, inNetwork: readonly string[]): Promise<number> {
  const [network, ports]: [unknown, number] = await Promise.all([docker.getNetwork("bridge").inspect(), portsOnBridge(inNetwork)]);
  // What the engine says of a network, which its types leave open.
  const { IPAM: plan, Containers: containers } = network as {
    readonly IPAM: { readonly Config: readonly { readonly Subnet: string }[] };
    readonly Containers: Readonly<Record<string, unknown>>;
  };
  return Math.min(capacityOf(plan.Config[0]?.Subnet ?? "/16") - Object.keys(containers).length, mostPorts - ports);
}
