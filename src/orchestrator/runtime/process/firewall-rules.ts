import { addressPair, blockBits } from "./network-plan.ts";

// The rules of the sites' networks, as text for `nft -f`.

/** How many connections one site may hold open to the outside, so that none fills the kernel's table of them. */
export const connectionsPerSite = 256;

/**
 * Not the public internet, or not for us: "this network", private networks, carriers' networks, loopback, link-local (cloud metadata is
 * there), protocol assignments, benchmarking, multicast, reserved. The ranges for documentation are nobody's: there is nothing to protect.
 */
export const closedNetworks = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "224.0.0.0/4",
  "240.0.0.0/4",
] as const;

/** What the rules are made for. */
export interface FirewallPlan {
  readonly installation: string;
  readonly block: number;
  /** The block before this one, where routers may still look for sites; null when there was none. */
  readonly former: number | null;
  /** Networks that are closed to sites besides `closedNetworks`; null where nothing can be let out at all. */
  readonly closed: readonly string[] | null;
}

export function firewallTable(installation: string): string {
  return `backlot_${installation}`;
}

/**
 * From sites' interfaces come only answers to what the host asked. Nothing is forwarded from them or to them, but for those that were
 * let out. An address of its blocks that no interface carries any more is refused at once: its packets must not leave by the
 * machine's default route.
 */
export function firewallRules(plan: FirewallPlan): string {
  const table = firewallTable(plan.installation);
  const sites = `"bl${plan.installation}-*"`;
  const blocks = new Set(plan.former === null ? [plan.block] : [plan.block, plan.former]);
  const addresses = [...blocks].map((block) => `${addressPair(block, 0).host}/${blockBits}`);
  const egress = plan.closed === null ? null : egressRules(sites, [...closedNetworks, ...plan.closed]);
  // Adding before deleting makes the deletion succeed whether or not the table is there; all of it is one transaction.
  return [
    `add table inet ${table}`,
    `delete table inet ${table}`,
    `table inet ${table} {`,
    ...(egress?.before ?? []),
    "  chain input {",
    "    type filter hook input priority -10; policy accept;",
    `    iifname ${sites} ct state established,related accept`,
    `    iifname ${sites} drop`,
    "  }",
    "  chain forward {",
    "    type filter hook forward priority -10; policy accept;",
    ...(egress?.forward ?? [`    iifname ${sites} drop`, `    oifname ${sites} drop`]),
    "  }",
    "  chain output {",
    "    type filter hook output priority -10; policy accept;",
    // Any Backlot's interface: the table of one that was killed and deleted stays, and its addresses may be another's by then.
    ...addresses.flatMap((network) => [
      `    ip daddr ${network} oifname != "bl*" oifname != "lo" meta l4proto tcp reject with tcp reset`,
      `    ip daddr ${network} oifname != "bl*" oifname != "lo" reject`,
    ]),
    "  }",
    ...(egress?.after ?? []),
    "}",
    "",
  ].join("\n");
}

const refuse = "reject with icmpx type admin-prohibited";

function egressRules(sites: string, closed: readonly string[]) {
  return {
    before: [
      // Interface and address together: what carries another's address does not pass.
      "  set egress { type ifname . ipv4_addr; }",
      "  set resolvers { type ipv4_addr; }",
      "  set opened { type ifname; }",
      `  set closed { type ipv4_addr; flags interval; auto-merge; elements = { ${closed.join(", ")} } }`,
      "  set connections { type ipv4_addr; size 65535; flags dynamic; }",
      "  chain counted {",
      `    ct state new add @connections { ip saddr ct count over ${connectionsPerSite} } ${refuse}`,
      "    accept",
      "  }",
      "  chain from_site {",
      "    meta nfproto != ipv4 drop",
      "    iifname . ip saddr != @egress drop",
      `    oifname "bl*" ${refuse}`,
      "    ct state established,related accept",
      "    ct state invalid drop",
      "    ip daddr @resolvers meta l4proto { tcp, udp } th dport 53 goto counted",
      `    meta l4proto { tcp, udp } th dport 53 ${refuse}`,
      `    ip daddr @closed ${refuse}`,
      "    tcp dport 25 reject with tcp reset",
      "    meta l4proto { tcp, udp } goto counted",
      "    drop",
      "  }",
      "  chain to_site {",
      "    oifname . ip daddr @egress ct state established,related accept",
      "    drop",
      "  }",
    ],
    forward: [
      `    iifname ${sites} goto from_site`,
      `    oifname ${sites} goto to_site`,
      // These interfaces forward because of us alone: nothing else may use that.
      '    iifname @opened oifname != "bl*" drop',
    ],
    after: [
      "  chain postrouting {",
      "    type nat hook postrouting priority srcnat; policy accept;",
      `    iifname ${sites} oifname != "bl*" masquerade`,
      "  }",
    ],
  };
}

/** What is let out right now. */
export interface EgressState {
  readonly resolvers: readonly string[];
  /** Interfaces to the outside that forward because of us alone. */
  readonly opened: readonly string[];
}

/** Brings the sets of a table to this state and lets one interface out. */
export function letOutCommands(installation: string, state: EgressState, site: { readonly name: string; readonly address: string }): string {
  const set = `inet ${firewallTable(installation)}`;
  return [
    ...replaced(`${set} resolvers`, state.resolvers),
    ...replaced(
      `${set} opened`,
      state.opened.map((name) => `"${name}"`),
    ),
    `add element ${set} egress { "${site.name}" . ${site.address} }`,
    "",
  ].join("\n");
}

/** Takes it back, whether or not it is out. */
export function takeBackCommands(installation: string, site: { readonly name: string; readonly address: string }): string {
  const element = `element inet ${firewallTable(installation)} egress { "${site.name}" . ${site.address} }\n`;
  return `add ${element}delete ${element}`;
}

function replaced(set: string, elements: readonly string[]): readonly string[] {
  return [`flush set ${set}`, ...(elements.length === 0 ? [] : [`add element ${set} { ${elements.join(", ")} }`])];
}
