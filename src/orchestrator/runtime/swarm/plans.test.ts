import { expect, it } from "vitest";
import { capacityOf } from "./bridge-room.ts";
import { plainReason, refusalOf } from "./disposable.ts";
import { firewallRules } from "./firewall-plan.ts";
import { versionsIn } from "./image-interpreters.ts";
import { identityIn } from "./labels.ts";
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
  const rules = firewallRules({ installation: "i1", bridge: "docker0", routers: ["10.0.0.7"], closed: ["198.51.100.0/24"], nameServers: ["192.0.2.53"] });
  expect(rules).toContain("table inet backlot_swarm_i1");
  expect(rules).toContain("ip saddr { 10.0.0.7 } tcp dport 8080 accept");
  expect(rules).toMatch(/elements = \{ .*169\.254\.0\.0\/16.*198\.51\.100\.0\/24 \}/);
  expect(firewallRules({ installation: "i1", bridge: "docker0", routers: [], closed: [], nameServers: [] })).not.toMatch(/tcp dport 8080|saddr \{/);
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
