import { sitePort } from "./container-plan.ts";

// The rules of the overlay network by which Traefik reaches sites, as text for `nft -f` in that network's own namespace on a node.

export function overlayTable(installation: string): string {
  return `backlot_overlay_${installation}`;
}

/**
 * Of what stands on this node only proxies may begin anything: sites answer, from the port that they listen on. What comes from another node was let
 * out there by the same rules. Who is not known yet counts as a site.
 */
export function overlayRules(installation: string): string {
  const table = overlayTable(installation);
  return [
    `add table bridge ${table}`,
    `delete table bridge ${table}`,
    `table bridge ${table} {`,
    "  set proxies { type ipv4_addr; }",
    "  chain forward {",
    "    type filter hook forward priority 0; policy drop;",
    // Nobody of ours has the right to send packets of his own making, so nobody answers for another.
    "    ether type arp accept",
    '    iifname "vxlan*" accept',
    "    ip saddr @proxies accept",
    `    ip protocol tcp tcp sport ${sitePort} tcp flags & (syn | ack) != syn accept`,
    "  }",
    "}",
    "",
  ].join("\n");
}

/** Says who the proxies of this node are: all of them, at once. */
export function proxiesCommand(installation: string, addresses: readonly string[]): string {
  const set = `bridge ${overlayTable(installation)} proxies`;
  const known = addresses.length === 0 ? [] : [`add element ${set} { ${addresses.join(", ")} }`];
  return `${[`flush set ${set}`, ...known].join("\n")}\n`;
}

/**
 * Which of the names of an engine's namespaces is the network's: `1-` and the beginning of its id, 12 characters in all; the number grows whenever the
 * engine makes it anew. Null: there is none.
 */
export function namespaceAmong(names: readonly string[], networkId: string): string | null {
  const found = names.flatMap((name) => {
    const [, epoch, start] = /^(\d+)-(\w+)$/.exec(name) ?? [];
    return epoch !== undefined && start !== undefined && networkId.startsWith(start) ? [{ name, epoch: Number(epoch) }] : [];
  });
  return found.toSorted((a, b) => b.epoch - a.epoch)[0]?.name ?? null;
}
