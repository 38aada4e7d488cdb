import { expect, it } from "vitest";
import { namespaceAmong, overlayRules, proxiesCommand } from "./overlay-plan.ts";

it("lets proxies begin, sites answer, other nodes' packets in, and nothing else", () => {
  expect(overlayRules("abc123")).toBe(`add table bridge backlot_overlay_abc123
delete table bridge backlot_overlay_abc123
table bridge backlot_overlay_abc123 {
  set proxies { type ipv4_addr; }
  chain forward {
    type filter hook forward priority 0; policy drop;
    ether type arp accept
    iifname "vxlan*" accept
    ip saddr @proxies accept
    ip protocol tcp tcp sport 8080 tcp flags & (syn | ack) != syn accept
  }
}
`);
});

it("says all proxies at once, and that there are none", () => {
  expect(proxiesCommand("x", ["10.0.1.5", "10.0.1.6"])).toBe(
    "flush set bridge backlot_overlay_x proxies\nadd element bridge backlot_overlay_x proxies { 10.0.1.5, 10.0.1.6 }\n",
  );
  expect(proxiesCommand("x", [])).toBe("flush set bridge backlot_overlay_x proxies\n");
});

it("finds the latest namespace of a network among an engine's", () => {
  const names = ["8ab1c33d7e2f", "1-kx0a2bjsh1", "2-kx0a2bjsh1", "10-kx0a2bjsh", "lb_kx0a2bjsh", "1-other00000"];
  const id = "kx0a2bjsh1qq7ot6yxfv8sm2h";
  expect(namespaceAmong(names, id)).toBe("10-kx0a2bjsh");
  expect(namespaceAmong(names.slice(0, 3), id)).toBe("2-kx0a2bjsh1");
  expect(namespaceAmong(["8ab1c33d7e2f"], id)).toBeNull();
});
