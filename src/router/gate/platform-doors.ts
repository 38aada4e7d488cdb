import { BlockList } from "node:net";
import { networkInterfaces } from "node:os";
import type { SiteAddress } from "#contract/site-spec.ts";

/** Where the platform itself listens, as far as a router knows. */
export interface PlatformDoors {
  /** This machine's addresses beside loopback. */
  readonly ownAddresses: readonly string[];
  readonly doors: readonly { readonly host: string; readonly port: number }[];
}

// "Any address", link-local with the metadata services of clouds, theirs at other places, groups: no program runs there.
const nobodys = new BlockList();
for (const [network, prefix] of [
  ["0.0.0.0", 8],
  ["169.254.0.0", 16],
  ["100.100.100.200", 32],
  ["168.63.129.16", 32],
  ["224.0.0.0", 3],
] as const) {
  nobodys.addSubnet(network, prefix, "ipv4");
}

/** Whether no site's program can be at an address, of whatever runtime. */
export function isNobodys(host: string): boolean {
  return nobodys.check(host, "ipv4");
}

/** Whether visitors sent to an address would come to the platform instead of a site, or to what is nobody's. Pure. */
export function isPlatforms(address: SiteAddress, { ownAddresses, doors }: PlatformDoors): boolean {
  if ("socket" in address) return false;
  const { host, port } = address;
  const isHere = (name: string): boolean => name === "localhost" || name === "[::1]" || name.startsWith("127.") || ownAddresses.includes(name);
  return isNobodys(host) || doors.some((door) => door.port === port && (door.host === host || (isHere(door.host) && isHere(host))));
}

/** The addresses that this machine has. */
export function addressesOfMachine(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address));
}

/** The place that an address like `http://10.0.0.1:8000` names; null when it names none. */
export function doorOf(url: string): { readonly host: string; readonly port: number } | null {
  if (!URL.canParse(url)) return null;
  const { hostname, port, protocol } = new URL(url);
  const usual: Readonly<Record<string, number>> = { "http:": 80, "https:": 443, "redis:": 6379, "rediss:": 6379 };
  const number = port === "" ? usual[protocol] : Number(port);
  return number === undefined || hostname === "" ? null : { host: hostname, port: number };
}
