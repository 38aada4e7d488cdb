import type Docker from "dockerode";

/** What the kernel lets one bridge carry, measured. */
const mostPorts = 1_023;
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

/** How many more containers the engine's own bridge carries now. */
export async function roomOnBridge(docker: Docker): Promise<number> {
  const network: unknown = await docker.getNetwork("bridge").inspect();
  // What the engine says of a network, which its types leave open.
  const { IPAM: plan, Containers: containers } = network as {
    readonly IPAM: { readonly Config: readonly { readonly Subnet: string }[] };
    readonly Containers: Readonly<Record<string, unknown>>;
  };
  return capacityOf(plan.Config[0]?.Subnet ?? "/16") - Object.keys(containers).length;
}
