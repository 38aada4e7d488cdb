import { closedNetworks, connectionsPerSite } from "../process/firewall-rules.ts";
import { sitePort } from "./container-plan.ts";

// The rules of the bridge that sites' containers are on, as text for `nft -f`.

export interface FirewallPlan {
  readonly installation: string;
  /** The interface of the engine's own bridge: `docker0`. */
  readonly bridge: string;
  /** Networks of routers on other machines; the node's own programs reach sites anyway. */
  readonly routers: readonly string[];
  /** Networks that are closed to sites that may go out, besides the private ones: those of the platform. */
  readonly closed: readonly string[];
  /** Who a site that may go out asks for names. */
  readonly nameServers: readonly string[];
  /** Containers that are let out, by their addresses. */
  readonly out: readonly string[];
}

export function firewallTable(installation: string): string {
  return `backlot_swarm_${installation}`;
}

const refuse = "reject with icmpx type admin-prohibited";

/**
 * From the bridge come only answers, but for what was let out. To it go only requests of routers, and answers. It stands before the
 * engine's own rules, which a packet has to pass, too.
 */
export function firewallRules(plan: FirewallPlan): string {
  const table = firewallTable(plan.installation);
  const bridge = `"${plan.bridge}"`;
  const routers = plan.routers.length === 0 ? [] : [`    ip saddr { ${plan.routers.join(", ")} } tcp dport ${sitePort} accept`];
  const resolvers = plan.nameServers.length === 0 ? [] : [`    ip daddr { ${plan.nameServers.join(", ")} } meta l4proto { tcp, udp } th dport 53 goto counted`];
  return [
    `add table inet ${table}`,
    `delete table inet ${table}`,
    `table inet ${table} {`,
    `  set egress { type ipv4_addr;${elementsOf(plan.out)} }`,
    `  set closed { type ipv4_addr; flags interval; auto-merge; elements = { ${[...closedNetworks, ...plan.closed].join(", ")} } }`,
    "  set connections { type ipv4_addr; size 65535; flags dynamic; }",
    "  chain counted {",
    `    ct state new add @connections { ip saddr ct count over ${connectionsPerSite} } ${refuse}`,
    "    accept",
    "  }",
    "  chain from_site {",
    "    meta nfproto != ipv4 drop",
    "    ct state established,related ct direction reply accept",
    `    ip saddr != @egress ${refuse}`,
    `    oifname ${bridge} ${refuse}`,
    "    ct state established,related accept",
    "    ct state invalid drop",
    ...resolvers,
    `    meta l4proto { tcp, udp } th dport 53 ${refuse}`,
    `    ip daddr @closed ${refuse}`,
    "    tcp dport 25 reject with tcp reset",
    "    meta l4proto { tcp, udp } goto counted",
    "    drop",
    "  }",
    "  chain to_site {",
    "    ct state established,related accept",
    ...routers,
    "    drop",
    "  }",
    "  chain input {",
    "    type filter hook input priority -10; policy accept;",
    `    iifname ${bridge} ct state established,related accept`,
    `    iifname ${bridge} ${refuse}`,
    "  }",
    "  chain forward {",
    "    type filter hook forward priority -10; policy accept;",
    `    iifname ${bridge} goto from_site`,
    `    oifname ${bridge} goto to_site`,
    "  }",
    "}",
    "",
  ].join("\n");
}

/**
 * Neighbours on the bridge do not meet, whatever the engine lets them (`icc`), and also where the kernel does not ask the rules above about them
 * (`bridge-nf-call-iptables`). By their network: older kernels do not say which bridge a frame is on. After those rules, which refuse in words where
 * they are asked.
 */
export function neighbourRules(installation: string, subnets: readonly string[]): string {
  const table = firewallTable(installation);
  const network = `{ ${subnets.join(", ")} }`;
  return [
    `add table bridge ${table}`,
    `delete table bridge ${table}`,
    `table bridge ${table} {`,
    "  chain forward {",
    "    type filter hook forward priority 10; policy accept;",
    `    ip saddr ${network} ip daddr ${network} drop`,
    "  }",
    "}",
    "",
  ].join("\n");
}

/** Lets a container out into the internet, or takes that back, whether or not it is out. */
export function egressCommand(installation: string, verb: "add" | "delete", ip: string): string {
  const element = `element inet ${firewallTable(installation)} egress { ${ip} }\n`;
  return verb === "add" ? `add ${element}` : `add ${element}delete ${element}`;
}

function elementsOf(addresses: readonly string[]): string {
  return addresses.length === 0 ? "" : ` elements = { ${addresses.join(", ")} }`;
}
