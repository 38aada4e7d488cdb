import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { createSeal } from "#kit/seal.ts";
import { knownDevices } from "./known-devices.ts";

const seal = createSeal(randomBytes(32), "known devices");
const day = 24 * 60 * 60 * 1000;
let time = 0;
const devices = knownDevices({ seal, isSecure: false, now: () => time });
const pairOf = (setCookie: string): string => setCookie.split(";")[0] ?? "";

test("a browser is known to those who signed in with it, as they type their names, and to nobody else", () => {
  const cookies = `backlot_session=x; ${pairOf(devices.remember(undefined, "ann"))}`;
  expect(devices.find(cookies, " Ann ")).toMatch(/^[\w-]{22}$/);
  expect(devices.find(cookies, "admin")).toBeUndefined();
  expect(devices.find(undefined, "ann")).toBeUndefined();
});

test("several people share a browser, and each keeps the same device when they sign in again", () => {
  const first = pairOf(devices.remember(undefined, "ann"));
  const second = pairOf(devices.remember(first, "bob"));
  const third = pairOf(devices.remember(second, "ann"));
  expect(devices.find(third, "ann")).toBe(devices.find(first, "ann"));
  expect(devices.find(third, "bob")).toBe(devices.find(second, "bob"));
  expect(devices.find(third, "bob")).not.toBe(devices.find(third, "ann"));
});

test("a cookie holds the last eight people, and so stays small", () => {
  let cookies: string | undefined;
  for (let number = 0; number < 40; number += 1) cookies = pairOf(devices.remember(cookies, `person-${number}-${"x".repeat(50)}`));
  expect(devices.find(cookies, `person-39-${"x".repeat(50)}`)).toBeDefined();
  expect(devices.find(cookies, `person-31-${"x".repeat(50)}`)).toBeUndefined();
  expect(cookies?.length).toBeLessThan(2_048);
});

test("a browser is forgotten half a year after the last sign-in", () => {
  time = 0;
  const cookies = pairOf(devices.remember(undefined, "ann"));
  time = 179 * day;
  expect(devices.find(cookies, "ann")).toBeDefined();
  time = 181 * day;
  expect(devices.find(cookies, "ann")).toBeUndefined();
  time = 0;
});

test.each(["backlot_device=made-up", "backlot_device=v1:AAAA:AAAA", "backlot_device=", `${pairOf(devices.remember(undefined, "ann"))}x`])(
  "a cookie that we did not seal makes nobody known: %s",
  (cookies) => {
    expect(devices.find(cookies, "ann")).toBeUndefined();
  },
);

test("a cookie of another installation makes nobody known", () => {
  const other = knownDevices({ seal: createSeal(randomBytes(32), "known devices"), isSecure: false, now: () => time });
  expect(devices.find(pairOf(other.remember(undefined, "ann")), "ann")).toBeUndefined();
});

test("pages cannot read it, and under TLS no other host can set it", () => {
  expect(devices.remember(undefined, "ann")).toMatch(/^backlot_device=v1:[\w:-]+; Max-Age=15552000; Path=\/; HttpOnly; SameSite=Lax$/);
  const secure = knownDevices({ seal, isSecure: true, now: () => time }).remember(undefined, "ann");
  expect(secure).toMatch(/^__Host-backlot_device=.*; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
});
