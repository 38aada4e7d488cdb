import { bytesText } from "../terminal.ts";
import type { Check } from "./check.ts";

/** How an engine bounds containers. */
export interface GroupFacts {
  /** Who manages its control groups: `cgroupfs` or `systemd`. */
  readonly driver: string;
  /** Whether the kernel counts swap, so that it can be bounded. */
  readonly countsSwap: boolean;
  /** How much swap this machine has. */
  readonly swapBytes: number;
}

/** What the kernel lets one bridge carry. */
const mostPorts = 1_023;
/** The network itself, its broadcast address, and the bridge's own. */
const takenAddresses = 3;

/** What an engine says of control groups and of swap. */
export function checkSwarmGroups({ driver, countsSwap, swapBytes }: GroupFacts): readonly Check[] {
  const groups: Check =
    driver === "cgroupfs"
      ? { name: "docker groups", state: "ok", detail: "the engine manages control groups itself (cgroupfs): what tasks use is told" }
      : {
          name: "docker groups",
          state: "limited",
          detail: `the engine leaves control groups to ${driver || "another program"}: what tasks use of processor and memory is not told`,
          advice: 'Start dockerd with "exec-opts": ["native.cgroupdriver=cgroupfs"] (deploy/swarm.md).',
        };
  const name = "docker swap";
  if (countsSwap) return [groups, { name, state: "ok", detail: "swap is counted: programs get none beside their memory" }];
  if (swapBytes === 0) return [groups, { name, state: "ok", detail: "this machine has no swap, so that none has to be counted" }];
  const detail = `the kernel does not count swap, and this machine has ${bytesText(swapBytes)}: a program that has used up its memory goes on in it`;
  return [groups, { name, state: "limited", detail, advice: "Boot with swapaccount=1 on the kernel's command line, or turn swap off (swapoff -a)." }];
}

/** How many programs the engine's bridge carries at once. */
export function checkSwarmBridge(subnet: string | null): Check {
  const name = "docker bridge";
  const bits = Number(/\/(\d+)$/.exec(subnet ?? "")?.[1] ?? Number.NaN);
  if (subnet === null || Number.isNaN(bits))
    return {
      name,
      state: "limited",
      detail: "the engine has no network called bridge, on which programs stand",
      advice: "Start dockerd without --bridge=none.",
    };
  const addresses = Math.max(0, 2 ** (32 - bits) - takenAddresses);
  const words = `its network ${subnet} has addresses for ${addresses} programs that run at once, and the kernel ports for ${mostPorts} on one bridge`;
  if (addresses >= mostPorts) return { name, state: "ok", detail: `${words}; the next one is refused in words` };
  const advice = 'Give it a larger one where this node shall carry more: "bip": "172.30.0.1/20" in /etc/docker/daemon.json.';
  return { name, state: "info", detail: `${words}; the next one is refused in words`, advice };
}
