import { BlockList, isIPv4, isIPv6 } from "node:net";

/** What a trusted proxy in front of the router said of the visitor. */
export interface GivenForwarding {
  readonly forwardedFor: string | undefined;
  readonly forwardedProto: string | undefined;
}

/** An address as people write it: IPv4 in an IPv6 socket comes as `::ffff:192.0.2.1`. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return "unknown";
  return address.startsWith("::ffff:") && isIPv4(address.slice(7)) ? address.slice(7) : address;
}

/** Who asks, and how. Kept beside the text: in that, the visitor's own words may look like any of it. */
export interface Forwarding {
  readonly scheme: "http" | "https";
  /** The visitor's address. */
  readonly address: string;
  /** Header lines that tell it to a site. */
  readonly lines: string;
}

/** What a site hears of who asks. What the visitor said of itself counts for nothing unless a trusted proxy says it. */
export function forwardingBy(peer: string, given: GivenForwarding | null): Forwarding {
  const chain = given?.forwardedFor === undefined ? peer : `${given.forwardedFor}, ${peer}`;
  // The last address that is not the trusted peer itself: the ones before it may be made up.
  const address = given?.forwardedFor?.split(",").at(-1)?.trim() || peer;
  const scheme = given?.forwardedProto === "https" ? "https" : "http";
  return { scheme, address, lines: forwardingLines(chain, { scheme, address }) };
}

/** What the balancer on this machine said of the visitor, passed on as it is: it has made all of it anew. */
export function relayedForwarding(given: GivenForwarding & { readonly realAddress: string | undefined }): Forwarding {
  const address = given.realAddress ?? "unknown";
  const scheme = given.forwardedProto === "https" ? "https" : "http";
  return { scheme, address, lines: forwardingLines(given.forwardedFor ?? address, { scheme, address }) };
}

/** Header lines that tell a site by way of whom a visitor asks. */
export function forwardingLines(chain: string, { scheme, address }: Pick<Forwarding, "scheme" | "address">): string {
  return `X-Forwarded-For: ${chain}\r\nX-Real-IP: ${address}\r\nX-Forwarded-Proto: ${scheme}\r\n`;
}

/** Parses the list of trusted proxies. @throws {Error} naming the entry that is no address. */
export function parseTrustedProxies(list: string): BlockList | null {
  const entries = list
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
  if (entries.length === 0) return null;
  const trusted = new BlockList();
  for (const entry of entries) {
    const [address = "", prefix] = entry.split("/", 2);
    const family = isIPv4(address) ? "ipv4" : "ipv6";
    if (!isIPv4(address) && !isIPv6(address)) throw new Error(`${entry} is no IP address`);
    const bits = family === "ipv4" ? 32 : 128;
    const length = prefix === undefined ? bits : Number(prefix);
    if (!Number.isInteger(length) || length < 0 || length > bits) throw new Error(`${entry} has no usable prefix length`);
    trusted.addSubnet(address, length, family);
  }
  return trusted;
}

/** Whether an address is one of the trusted proxies. */
export function isTrusted(trusted: BlockList | null, address: string): boolean {
  return trusted?.check(address, isIPv4(address) ? "ipv4" : "ipv6") ?? false;
}
