import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { findNameServers, nameServersIn, resolverConfig } from "./name-servers.ts";

it("takes the IPv4 name servers that are not on the machine itself, three at most", () => {
  expect(nameServersIn("# x\nnameserver 127.0.0.53\nnameserver 10.0.0.1 \n nameserver\tfe80::1%eth0\nsearch lan\nnameserver 9.9.9.9\n")).toEqual([
    "10.0.0.1",
    "9.9.9.9",
  ]);
  expect(nameServersIn("nameserver 1.1.1.1\nnameserver 1.0.0.1\nnameserver 8.8.8.8\nnameserver 8.8.4.4")).toHaveLength(3);
  expect(nameServersIn("nameserver $(reboot)\nnameserver 1.2.3\n")).toEqual([]);
});

it("looks behind a local name server for those that it asks", () => {
  const folder = mkdtempSync(join(tmpdir(), "backlot-resolv-"));
  try {
    const [local, real] = [join(folder, "a"), join(folder, "b")];
    writeFileSync(local, "nameserver 127.0.0.53\n");
    writeFileSync(real, "nameserver 192.168.1.1\n");
    expect(findNameServers([local, real])).toEqual(["192.168.1.1"]);
    expect(findNameServers([local, join(folder, "none")])).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it("writes what a site's programs read", () => {
  expect(resolverConfig(["192.168.1.1"])).toBe("nameserver 192.168.1.1\noptions timeout:2 attempts:2\n");
});
