import { readFileSync } from "node:fs";
import { isIPv4 } from "node:net";
import { networkInterfaces } from "node:os";

/** Where a machine says who answers questions about names; a later file is read when the one before it names only this machine itself. */
export const resolverFiles: readonly string[] = ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"];

/**
 * The name servers that sites may ask: the machine's own, but for those on the machine itself (systemd-resolved at 127.0.0.53, a
 * local dnsmasq): sites reach no address of the host.
 */
export function findNameServers(files: readonly string[] = resolverFiles): readonly string[] {
  const own = new Set(Object.values(networkInterfaces()).flatMap((entries) => (entries ?? []).map((entry) => entry.address)));
  for (const file of files) {
    const found = nameServersIn(textOf(file)).filter((address) => !own.has(address));
    if (found.length > 0) return found;
  }
  return [];
}

/** The IPv4 name servers in a `resolv.conf` that are not on the machine itself; the C library reads three at most. */
export function nameServersIn(text: string): readonly string[] {
  const named = text.split("\n").flatMap((line) => /^\s*nameserver\s+(\S+)/.exec(line)?.[1] ?? []);
  return named.filter((address) => isIPv4(address) && !/^(127|0)\./.test(address)).slice(0, 3);
}

/** The `resolv.conf` of a site that may ask these. */
export function resolverConfig(servers: readonly string[]): string {
  const lines = servers.map((server) => `nameserver ${server}`);
  // Two tries of two seconds: a program that waits for a name is one that answers nobody.
  return [...(lines.length === 0 ? ["# No name server was found."] : lines), "options timeout:2 attempts:2", ""].join("\n");
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return ""; // not every machine has it
  }
}
