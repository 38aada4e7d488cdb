import { expect, it } from "vitest";
import { closedNetworks, firewallRules, letOutCommands, takeBackCommands } from "./firewall-rules.ts";
import { rangeOf } from "./network-plan.ts";

it("lets nothing in from sites but answers, and forwards nothing, where nothing can be let out", () => {
  expect(firewallRules({ installation: "x1", block: 1, former: null, closed: null })).toBe(`add table inet backlot_x1
delete table inet backlot_x1
table inet backlot_x1 {
  chain input {
    type filter hook input priority -10; policy accept;
    iifname "blx1-*" ct state established,related accept
    iifname "blx1-*" drop
  }
  chain forward {
    type filter hook forward priority -10; policy accept;
    iifname "blx1-*" drop
    oifname "blx1-*" drop
  }
  chain output {
    type filter hook output priority -10; policy accept;
    ip daddr 10.77.16.0/20 oifname != "bl*" oifname != "lo" meta l4proto tcp reject with tcp reset
    ip daddr 10.77.16.0/20 oifname != "bl*" oifname != "lo" reject
  }
}
`);
});

it("lets out single sites: to name servers, then to what is neither closed nor mail, a bounded number of times", () => {
  const rules = firewallRules({ installation: "x1", block: 1, former: 3, closed: ["192.0.2.0/24"] });
  expect(rules).toContain(`  chain from_site {
    meta nfproto != ipv4 drop
    iifname . ip saddr != @egress drop
    oifname "bl*" reject with icmpx type admin-prohibited
    ct state established,related accept
    ct state invalid drop
    ip daddr @resolvers meta l4proto { tcp, udp } th dport 53 goto counted
    meta l4proto { tcp, udp } th dport 53 reject with icmpx type admin-prohibited
    ip daddr @closed reject with icmpx type admin-prohibited
    tcp dport 25 reject with tcp reset
    meta l4proto { tcp, udp } goto counted
    drop
  }
  chain to_site {
    oifname . ip daddr @egress ct state established,related accept
    drop
  }
`);
  expect(rules).toContain(`elements = { ${closedNetworks.join(", ")}, 192.0.2.0/24 }`);
  expect(rules).toContain(`    iifname "blx1-*" goto from_site
    oifname "blx1-*" goto to_site
    iifname @opened oifname != "bl*" drop
`);
  expect(rules).toContain('    iifname "blx1-*" oifname != "bl*" masquerade\n');
  for (const network of ["10.77.16.0/20", "10.77.48.0/20"]) expect(rules).toContain(`    ip daddr ${network} oifname != "bl*" oifname != "lo" reject\n`);
});

it("says who is let out, and takes it back", () => {
  const site = { name: "blx1-3", address: "10.77.0.7" };
  expect(letOutCommands("x1", { resolvers: ["192.168.1.1", "9.9.9.9"], opened: ["eth0"] }, site)).toBe(`flush set inet backlot_x1 resolvers
add element inet backlot_x1 resolvers { 192.168.1.1, 9.9.9.9 }
flush set inet backlot_x1 opened
add element inet backlot_x1 opened { "eth0" }
add element inet backlot_x1 egress { "blx1-3" . 10.77.0.7 }
`);
  expect(letOutCommands("x1", { resolvers: [], opened: [] }, site).split("\n")).toHaveLength(4);
  expect(takeBackCommands("x1", site)).toBe(
    'add element inet backlot_x1 egress { "blx1-3" . 10.77.0.7 }\ndelete element inet backlot_x1 egress { "blx1-3" . 10.77.0.7 }\n',
  );
});

it.each(["10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.4.4", "100.64.0.1", "169.254.169.254", "127.0.0.1", "0.0.0.0", "224.0.0.251", "255.255.255.255"])(
  "closes %s",
  (address) => {
    expect(isClosed(address)).toBe(true);
  },
);

it.each(["1.1.1.1", "172.32.0.1", "172.15.0.1", "192.169.0.1", "100.128.0.1", "223.255.255.254", "203.0.113.9"])("leaves %s open", (address) => {
  expect(isClosed(address)).toBe(false);
});

function isClosed(address: string): boolean {
  const at = rangeOf(address)?.first ?? 0;
  return closedNetworks.some((network) => {
    const range = rangeOf(network);
    return range !== null && range.first <= at && at <= range.last;
  });
}
