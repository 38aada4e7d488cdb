import { BlockList, isIPv4 } from "node:net";
import type { SiteAddress } from "#contract/site-spec.ts";
import { isNobodys } from "../gate/platform-doors.ts";

/** A range of addresses in which the platform runs sites' programs, and the ports that they may have there. */
export interface SiteNetwork {
  readonly network: string;
  readonly prefix: number;
  /** Null: every port, but not at this machine's own addresses. */
  readonly ports: { readonly lowest: number; readonly highest: number } | null;
}

/** Where live traffic may go. */
export interface SiteNetworks {
  readonly networks: readonly SiteNetwork[];
  /** This machine's own addresses: only a network with named ports may hold a site there. */
  readonly ownAddresses: readonly string[];
}

/** Parses `10.77.0.0/16` or `192.0.2.7/32:30000-60999`, several with commas between. @throws {Error} naming the entry that is none. */
export function parseSiteNetworks(list: string): readonly SiteNetwork[] {
  return list
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "")
    .map(parseNetwork);
}

function parseNetwork(entry: string): SiteNetwork {
  const match = /^([\d.]+)\/(\d{1,2})(?::(\d{1,5})-(\d{1,5}))?$/.exec(entry);
  const [, network = "", prefix = "", lowest, highest] = match ?? [];
  const ports = lowest === undefined || highest === undefined ? null : { lowest: Number(lowest), highest: Number(highest) };
  const isUsable = isIPv4(network) && Number(prefix) >= 8 && Number(prefix) <= 32;
  const hasPorts = ports === null || (ports.lowest >= 1 && ports.lowest <= ports.highest && ports.highest <= 65_535);
  if (!isUsable || !hasPorts) throw new Error(`${entry} is no network like 10.77.0.0/16 or 192.0.2.7/32:30000-60999`);
  return { network, prefix: Number(prefix), ports };
}

/** An address to which visitors may be sent without this router between; null for one that the platform has not given to a site. Pure. */
export function routableAddress(address: SiteAddress, { networks, ownAddresses }: SiteNetworks): { readonly host: string; readonly port: number } | null {
  if ("socket" in address) return null;
  const { host, port } = address;
  if (!isIPv4(host) || !Number.isInteger(port) || port < 1 || port > 65_535 || isNobodys(host)) return null;
  // Whatever the settings say: loopback is for this machine's own services.
  if (host.startsWith("127.")) return null;
  const isAllowed = networks.some(({ network, prefix, ports }) => {
    if (ports === null ? ownAddresses.includes(host) : port < ports.lowest || port > ports.highest) return false;
    const block = new BlockList();
    block.addSubnet(network, prefix, "ipv4");
    return block.check(host, "ipv4");
  });
  return isAllowed ? { host, port } : null;
}
