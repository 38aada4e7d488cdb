// Addresses, names and rules of the sites' networks, as values. Each site's program has a network namespace with one end
// of a veth pair; the host's end carries the even address of a /31, the program's end the odd one.

/** 10.77.0.0/16 is cut into blocks, so that several Backlots (and tests) share a machine: one block each. */
export const blockCount = 16;
/** Address pairs in a block. */
export const blockSlots = 2048;
/** The length of a block's prefix. */
export const blockBits = 20;

/** The two ends of a pair. */
export interface AddressPair {
  readonly host: string;
  readonly site: string;
}

export function addressPair(block: number, slot: number): AddressPair {
  const first = block * blockSlots * 2 + slot * 2;
  const text = (offset: number): string => `10.77.${Math.floor((first + offset) / 256)}.${(first + offset) % 256}`;
  return { host: text(0), site: text(1) };
}

/** First and last address of a block as numbers, to compare with what the machine uses already. */
export function blockRange(block: number): { readonly first: number; readonly last: number } {
  const size = blockSlots * 2;
  const first = networkBase + block * size;
  return { first, last: first + size - 1 };
}

const networkBase = (10 << 24) + (77 << 16);

/** The range of `10.77.0.0/31` or `10.77.0.1`; null for what is not an IPv4 network (`default`). */
export function rangeOf(network: string): { readonly first: number; readonly last: number } | null {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)(?:\/(\d+))?$/.exec(network);
  if (match === null) return null;
  const [a = 0, b = 0, c = 0, d = 0, bits = 32] = match.slice(1).map((part) => (part === undefined ? 32 : Number(part)));
  const size = 2 ** (32 - bits);
  const address = a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d;
  const first = address - (address % size);
  return { first, last: first + size - 1 };
}

/** Short enough for the 15 letters of an interface: `bl` + installation + `-` + slot. */
export const installationPattern = /^[a-z0-9]{1,6}$/;

export function interfaceName(installation: string, slot: number): string {
  return `bl${installation}-${slot}`;
}

/** Whether an interface is one of an installation's. */
export function isLinkOf(installation: string, name: string): boolean {
  return name.startsWith(`bl${installation}-`) && /-\d{1,4}$/.test(name);
}

/** A pair to make: its host end in our namespace, its other end in the namespace of a process. */
export interface LinkPlan {
  readonly name: string;
  readonly pair: AddressPair;
  readonly holderPid: number;
}

/** The host's half of several pairs, for one `ip -batch`. */
export function hostLinkCommands(plans: readonly LinkPlan[]): string {
  // Without addrgenmode the host's end would get an IPv6 address that a site could call.
  const lines = plans.flatMap((plan) => [
    `link add ${plan.name} type veth peer name eth0 netns ${plan.holderPid}`,
    `link set ${plan.name} addrgenmode none`,
    `addr add ${plan.pair.host}/31 dev ${plan.name}`,
    `link set ${plan.name} up`,
  ]);
  return `${lines.join("\n")}\n`;
}

/** The program's half, run inside its namespace. No default route: nothing but the host's end can be reached. */
export function siteLinkCommands(pair: AddressPair): string {
  return `${["link set lo up", "link set eth0 addrgenmode none", `addr add ${pair.site}/31 dev eth0`, "link set eth0 up"].join("\n")}\n`;
}
