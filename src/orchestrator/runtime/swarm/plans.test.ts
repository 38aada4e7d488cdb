import { expect, it } from "vitest";
import { capacityOf } from "./bridge-room.ts";
import { plainReason, refusalOf } from "./disposable.ts";
import { egressCommand, firewallRules, neighbourRules } from "./firewall-plan.ts";
import { versionsIn } from "./image-interpreters.ts";
import { identityIn } from "./labels.ts";
import { addressesOf } from "./node-addresses.ts";
import { entryCommand } from "./swarm-entry.ts";

it("knows how many containers a bridge carries: its addresses, and at most what the kernel takes", () => {
  expect([capacityOf("172.30.1.0/24"), capacityOf("172.30.0.0/29"), capacityOf("172.17.0.0/16")]).toEqual([253, 5, 1_023]);
});

it("says of an image what is wrong with it, without the engine's plumbing", () => {
  expect(plainReason("(HTTP code 404) no such container - No such image: nope:1 ")).toBe("it is not on this machine.");
  expect(
    plainReason(
      'starting container failed: OCI runtime create failed: container_linux.go:380: starting container process caused: exec: "/bin/sh": stat /bin/sh: no such file or directory: unknown',
    ),
  ).toBe('exec: "/bin/sh": stat /bin/sh: no such file or directory.');
  expect(refusalOf(new Error("No such image: nope:1"), "nope:1")).toMatchObject({ code: "image_unusable" });
  expect(
    refusalOf(new Error("failed to create endpoint x on network bridge: adding interface y to bridge docker0 failed: exchange full"), "a:1"),
  ).toMatchObject({
    code: "machine_full",
  });
  const other = new Error("something else");
  expect(refusalOf(other, "nope:1")).toBe(other);
});

it("takes for ours only what carries all of our labels", () => {
  const found = { "backlot.installation": "i1", "backlot.kind": "site", "backlot.site": "7", "backlot.instance": "main", "backlot.start": "s1" };
  expect(identityIn(found, "i1")).toEqual({ siteId: 7, instance: "main", start: "s1" });
  expect(identityIn(found, "i2")).toBeNull();
  expect(identityIn({ ...found, "backlot.site": "7; rm" }, "i1")).toBeNull();
  expect(identityIn({ ...found, "backlot.kind": "run" }, "i1")).toBeNull();
});

it("lets out only what was let out, and in only routers", () => {
  const given = { installation: "i1", bridge: "docker0", routers: ["10.0.0.7"], closed: ["198.51.100.0/24"], nameServers: ["192.0.2.53"], out: ["172.30.1.9"] };
  const rules = firewallRules(given);
  expect(rules).toContain("table inet backlot_swarm_i1");
  expect(rules).toContain("ip saddr { 10.0.0.7 } tcp dport 8080 accept");
  expect(rules).toMatch(/elements = \{ .*169\.254\.0\.0\/16.*198\.51\.100\.0\/24 \}/);
  expect(rules).toContain("set egress { type ipv4_addr; elements = { 172.30.1.9 } }");
  expect(neighbourRules("i1", ["172.30.0.0/22"])).toContain("    ip saddr { 172.30.0.0/22 } ip daddr { 172.30.0.0/22 } drop\n");
  expect(firewallRules({ ...given, routers: [], closed: [], nameServers: [], out: [] })).not.toMatch(/tcp dport 8080|saddr \{/);
  // Taking back what was not let out is no failure, which would be taken for one of the rules.
  expect(egressCommand("i1", "delete", "172.30.1.9")).toBe(
    "add element inet backlot_swarm_i1 egress { 172.30.1.9 }\ndelete element inet backlot_swarm_i1 egress { 172.30.1.9 }\n",
  );
});

it("knows a swarm's nodes by every address that it names", () => {
  const nodes = [
    { Status: { Addr: "0.0.0.0" }, ManagerStatus: { Addr: "203.0.113.1:2377" } },
    { Status: { Addr: "203.0.113.2" }, ManagerStatus: { Addr: "203.0.113.2:2377" } },
    { Status: { Addr: "203.0.113.3" } },
    { Status: { Addr: "" } },
    {},
  ];
  expect(addressesOf(nodes)).toEqual(["203.0.113.1", "203.0.113.2", "203.0.113.3"]);
});

it("reads the versions that interpreters tell in their own ways", () => {
  const text =
    "node v24.1.0 \npython3 Python 3.11.2 \nphp PHP 8.2.29 (cli) (built: Jul 3)\nbash GNU bash, version 5.2.15(1)-release \nperl  This is perl 5, version 36, subversion 0 (v5.36.0)\n";
  expect(versionsIn(text)).toEqual({ node: "24.1.0", python3: "3.11.2", php: "8.2.29", bash: "5.2.15", perl: "5.36.0" });
});

it("puts what somebody typed, and the site's name, into no script", () => {
  const spec = { name: 'x"; reboot' };
  const [, , script, argument] = entryCommand({ command: "echo $HOME; exit 3", size: null, spec });
  expect(script).not.toContain("exit 3");
  expect(argument).toBe("echo $HOME; exit 3");
  const [, , shell, name] = entryCommand({ command: null, size: { cols: 80, rows: 24 }, spec });
  expect(shell).not.toContain("reboot");
  expect(name).toBe(spec.name);
});
