import { isIP } from "node:net";

/** Where a client waits for an active data connection. */
export interface DataAddress {
  readonly host: string;
  readonly port: number;
}

/** Reads PORT's `h1,h2,h3,h4,p1,p2`; undefined when it is no such thing. */
export function parsePort(argument: string): DataAddress | undefined {
  if (!/^\d{1,3}(,\d{1,3}){5}$/.test(argument)) return undefined;
  const numbers = argument.split(",").map(Number);
  if (numbers.some((number) => number > 255)) return undefined;
  const [high = 0, low = 0] = numbers.slice(4);
  return { host: numbers.slice(0, 4).join("."), port: high * 256 + low };
}

/** Reads EPRT's `|1|192.0.2.1|6275|` (RFC 2428), whatever its delimiter; "protocol" for one that there is not. */
export function parseEprt(argument: string): DataAddress | "protocol" | undefined {
  const delimiter = argument[0];
  if (delimiter === undefined || /[\w.:]/.test(delimiter)) return undefined;
  const parts = argument.split(delimiter);
  const [, protocol = "", host = "", port = ""] = parts;
  if (parts.length !== 5 || parts[4] !== "" || !/^\d{1,5}$/.test(port) || Number(port) > 65_535) return undefined;
  if (protocol !== "1" && protocol !== "2") return "protocol";
  if (isIP(host) !== (protocol === "1" ? 4 : 6)) return undefined;
  return { host, port: Number(port) };
}

/** PASV's answer; undefined for an address that it has no words for. */
export function pasvText(host: string, port: number): string | undefined {
  const plain = plainAddress(host);
  return isIP(plain) === 4 ? `${plain.replaceAll(".", ",")},${port >> 8},${port & 255}` : undefined;
}

/** An address as it is compared: IPv4 behind a socket of both families without its prefix, IPv6 in its one short form. */
export function plainAddress(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, "").replace(/%.*$/, "");
  return isIP(plain) === 6 ? new URL(`http://[${plain}]`).hostname.slice(1, -1) : plain;
}

/** Why no connection is made to where a client asks for one; undefined when it is its own, ordinary port. */
export function refusedDataAddress(asked: DataAddress, client: string): string | undefined {
  if (plainAddress(asked.host) !== plainAddress(client)) return "Rejected data connection to a foreign address.";
  return asked.port < 1024 ? "PORT against a privileged port is not allowed." : undefined;
}
