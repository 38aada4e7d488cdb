import { expect, test } from "vitest";
import { forwardingBy, isTrusted, parseTrustedProxies, plainAddress } from "./forwarding.ts";

test("a site hears the address of the visitor's connection", () => {
  expect(forwardingBy("192.0.2.1", null)).toEqual({
    scheme: "http",
    address: "192.0.2.1",
    lines: "X-Forwarded-For: 192.0.2.1\r\nX-Real-IP: 192.0.2.1\r\nX-Forwarded-Proto: http\r\n",
  });
});

test("a trusted proxy's word is passed on; of a chain only its own last entry is the visitor", () => {
  expect(forwardingBy("10.0.0.1", { forwardedFor: "6.6.6.6, 192.0.2.1", forwardedProto: "https" })).toEqual({
    scheme: "https",
    address: "192.0.2.1",
    lines: "X-Forwarded-For: 6.6.6.6, 192.0.2.1, 10.0.0.1\r\nX-Real-IP: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n",
  });
});

test("an odd protocol is http", () => {
  const { scheme, lines } = forwardingBy("10.0.0.1", { forwardedFor: undefined, forwardedProto: "https\tx" });
  expect([scheme, lines]).toEqual(["http", expect.stringContaining("X-Forwarded-Proto: http\r\n")]);
});

test("an IPv4 address in an IPv6 socket is written as IPv4", () => {
  expect(plainAddress("::ffff:192.0.2.1")).toBe("192.0.2.1");
  expect(plainAddress("2001:db8::1")).toBe("2001:db8::1");
  expect(plainAddress(undefined)).toBe("unknown");
});

test("trusted proxies are addresses and blocks of them", () => {
  const trusted = parseTrustedProxies("10.0.0.0/8, 192.0.2.1, 2001:db8::/32");
  expect(["10.1.2.3", "192.0.2.1", "2001:db8::9", "192.0.2.2", "unknown"].map((address) => isTrusted(trusted, address))).toEqual([
    true,
    true,
    true,
    false,
    false,
  ]);
  expect(parseTrustedProxies(" ")).toBeNull();
  expect(isTrusted(null, "127.0.0.1")).toBe(false);
  expect(() => parseTrustedProxies("proxy.example")).toThrow("proxy.example is no IP address");
  expect(() => parseTrustedProxies("10.0.0.0/40")).toThrow("prefix");
});
