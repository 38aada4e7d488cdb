import { expect, test } from "vitest";
import { doorOf, isPlatforms } from "./platform-doors.ts";

const doors = [
  { host: "127.0.0.1", port: 8000 },
  { host: "localhost", port: 9000 },
  { host: "10.0.0.9", port: 5432 },
];
const known = { ownAddresses: ["10.0.0.7"], doors };

test.for([
  ["127.0.0.1", 8000, true],
  // The same door by another of this machine's addresses.
  ["127.0.0.2", 8000, true],
  ["10.0.0.7", 8000, true],
  ["10.0.0.7", 9000, true],
  ["10.0.0.9", 5432, true],
  ["0.0.0.0", 3000, true],
  ["169.254.169.254", 80, true],
  ["168.63.129.16", 80, true],
  ["224.0.0.1", 8000, true],
  ["127.0.0.1", 40_000, false],
  ["10.0.0.7", 30_001, false],
  ["10.0.0.8", 8000, false],
  ["10.77.0.3", 8080, false],
] as const)("visitors sent to %s:%i would come to the platform: %s", ([host, port, isSo]) => {
  expect(isPlatforms({ host, port }, known)).toBe(isSo);
});

test("a unix socket is nobody's door but its site's", () => {
  expect(isPlatforms({ socket: "/run/site.sock" }, known)).toBe(false);
});

test("a door is found in an address, with the port that its kind has by itself", () => {
  expect([doorOf("http://10.0.0.1:8000"), doorOf("https://example.org"), doorOf("redis://cache/0"), doorOf("/run/redis.sock")]).toEqual([
    { host: "10.0.0.1", port: 8000 },
    { host: "example.org", port: 443 },
    { host: "cache", port: 6379 },
    null,
  ]);
});
