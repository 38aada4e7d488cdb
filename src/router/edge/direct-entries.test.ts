import { expect, test } from "vitest";
import { aRoute } from "../../../test/support/router-harness.ts";
import { directEntries, folderDigits } from "./direct-entries.ts";
import { parseSiteNetworks } from "./site-networks.ts";

const networks = { networks: parseSiteNetworks("10.77.0.0/16"), ownAddresses: [] };
const live = { host: "10.77.0.3", port: 8000 };
const app = aRoute({ siteId: 105, name: "app" });
const pages = aRoute({ siteId: 7, name: "pages", kind: "static" });

test("a static site is its folder in digits, one that runs its address with its limit", () => {
  expect(directEntries(pages, null, networks)).toEqual([["pages.localhost", "static|0007"]]);
  expect(directEntries(app, live, networks)).toEqual([["app.localhost", "live|10.77.0.3|8000|2097152|10.77.0.3:8000|105"]]);
});

test("a site that sleeps, is closed, keeps pages or listens where it may not is left to the activator", () => {
  expect(directEntries(app, null, networks)).toEqual([]);
  expect(directEntries({ ...app, availability: "not-served" }, live, networks)).toEqual([]);
  expect(directEntries({ ...pages, availability: "disabled" }, null, networks)).toEqual([]);
  expect(directEntries({ ...app, cache: {} as never }, live, networks)).toEqual([]);
  expect(directEntries(app, { host: "127.0.0.1", port: 8000 }, networks)).toEqual([]);
  expect(directEntries(app, { socket: "/run/a.sock" }, networks)).toEqual([]);
});

test("a host that could mean anything else to HAProxy is left out", () => {
  const hosts = [
    "a;b",
    "a b",
    "a\nb",
    "a\tb",
    "A.localhost",
    "-a",
    "a-",
    "a..b",
    ".a",
    "",
    "a|b",
    "#a",
    "ä",
    `${"a".repeat(254)}`,
    "ok.localhost",
    "xn--4ca.localhost",
  ];
  expect(directEntries({ ...pages, hosts }, null, networks).map(([host]) => host)).toEqual(["ok.localhost", "xn--4ca.localhost"]);
});

test("the digits of a folder are those of siteFolder", () => {
  expect([1, 99, 100, 10_105, 1_234_567].map(folderDigits)).toEqual(["0001", "0099", "0100", "10105", "1234567"]);
});
