import { expect, test } from "vitest";
import { ConnectionCount } from "./connection-count.ts";

test("five connections from one address and 256 in all are let in, and one that leaves makes room", () => {
  const count = new ConnectionCount({ total: 256, perAddress: 5 });
  const address = (index: number): string => `192.0.2.${index}`;
  for (let index = 0; index < 255; index += 1) expect(count.enter(address(Math.floor(index / 5)))).toBeUndefined();
  expect(count.enter(address(0))).toBe("Too many connections from the same IP address.");
  expect(count.enter(address(100))).toBeUndefined();
  expect(count.enter(address(101))).toBe("Too many connections. Service temporarily unavailable.");
  count.leave(address(0));
  expect(count.enter(address(0))).toBeUndefined();
  expect(count.enter(address(101))).toBe("Too many connections. Service temporarily unavailable.");
});

test("the addresses of one network of IPv6 are one, and those of IPv4 in its clothes are themselves", () => {
  const count = new ConnectionCount({ total: 256, perAddress: 5 });
  for (let index = 0; index < 5; index += 1) expect(count.enter(`2001:db8:1:2::${index}`)).toBeUndefined();
  expect(count.enter("2001:db8:1:2:a:b:c:d")).toBe("Too many connections from the same IP address.");
  expect(count.enter("2001:db8:1:3::1")).toBeUndefined();
  count.leave("2001:db8:1:2::1");
  expect(count.enter("2001:db8:1:2:a:b:c:d")).toBeUndefined();
  for (let index = 0; index < 20; index += 1) expect(count.enter(`::ffff:192.0.2.${index}`)).toBeUndefined();
});
