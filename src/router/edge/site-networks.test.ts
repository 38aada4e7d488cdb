import { expect, test } from "vitest";
import { parseSiteNetworks, routableAddress } from "./site-networks.ts";

const networks = { networks: parseSiteNetworks("10.77.0.0/16, 192.0.2.7/32:30000-60999"), ownAddresses: ["10.77.0.2", "192.0.2.7"] };
const at = (host: string, port = 8080) => routableAddress({ host, port }, networks);

test("an address that the platform gives to sites may be visited past the router", () => {
  expect(at("10.77.0.3")).toEqual({ host: "10.77.0.3", port: 8080 });
  expect(at("192.0.2.7", 30_000)).toEqual({ host: "192.0.2.7", port: 30_000 });
});

test.each([
  ["this machine's own end of a site's cable", "10.77.0.2", 8080],
  ["a service of the platform on an address that is a site's only by its ports", "192.0.2.7", 8000],
  ["loopback", "127.0.0.1", 8080],
  ["any address", "0.0.0.0", 8080],
  ["the metadata service", "169.254.169.254", 80],
  ["a network of somebody else", "10.78.0.3", 8080],
  ["no port", "10.77.0.3", 0],
  ["a port that is none", "10.77.0.3", 65_536],
  ["half a port", "10.77.0.3", 80.5],
  ["a name", "localhost", 8080],
  ["more than an address", "10.77.0.3|1", 8080],
  ["a second command", "10.77.0.3; del map", 8080],
  ["a second line", "10.77.0.3\nx", 8080],
])("%s may not: %s:%d", (_what, host, port) => {
  expect(at(host, port)).toBeNull();
});

test("what is never a site's is not made one by a setting", () => {
  const everything = { networks: parseSiteNetworks("127.0.0.0/8:1-65535,169.254.0.0/16,100.0.0.0/8"), ownAddresses: [] };
  for (const host of ["127.0.0.1", "169.254.169.254", "100.100.100.200"]) expect(routableAddress({ host, port: 80 }, everything)).toBeNull();
});

test("a unix socket is the router's to reach", () => {
  expect(routableAddress({ socket: "/run/site.sock" }, networks)).toBeNull();
});

test.each(["10.77.0.0", "10.77.0.0/33", "10.0.0.0/4", "fd00::/8", "10.77.0.0/16:9-1", "10.77.0.0/16:0-70000", "x"])("%s is no network", (entry) => {
  expect(() => parseSiteNetworks(entry)).toThrow(`${entry} is no network`);
});
