import { expect, test } from "vitest";
import { isOwnCookie, withoutSession } from "./session-cookies.ts";

test.each([
  ["a=1; b=2", "a=1; b=2"],
  ["backlot_session=secret", null],
  ["a=1; backlot_session=secret; b=2", "a=1; b=2"],
  ["backlot_session=secret;a=1", "a=1"],
  ["__Host-backlot_session=secret; a=1", "a=1"],
  ["a=1; backlot_session=one; backlot_session=two", "a=1"],
  ["backlot_session ; a=1", "a=1"],
  ["backlot_device=known; a=1", "a=1"],
  ["__Host-backlot_device=known", null],
  ["my_backlot_session=mine", "my_backlot_session=mine"],
  ["a=backlot_session", "a=backlot_session"],
])("of the cookies %s a site sees %s", (header, seen) => {
  expect(withoutSession(header)).toBe(seen);
});

test.each([
  ["a=1", true],
  ["a=1; Path=/; HttpOnly", true],
  ["a=1; Domain=foo.localhost", true],
  ["a=1; domain=.FOO.localhost", true],
  ["a=1; Domain=deep.foo.localhost", true],
  ["a=1; Domain=", true],
  ["a=1; Domain=localhost", false],
  ["a=1; Path=/; DOMAIN = .localhost ; Secure", false],
  ["a=1; Domain=bar.localhost", false],
  ["a=1; Domain=barfoo.localhost", false],
  ["a=1; Domain=foo.localhost; Domain=localhost", false],
  ["Domain=localhost", true],
  ["backlot_session=planted", false],
  [" backlot_session = planted; Path=/", false],
  ["=backlot_session=planted", false],
  ["= backlot_session=planted", false],
  ["__Host-backlot_session=planted; Secure; Path=/", false],
  ["backlot_device=known", false],
  ["__Host-backlot_device=known", false],
  ["backlot_session", false],
  ["backlot_sessions=mine", true],
  ["a=backlot_session", true],
  ["a=1; backlot_session=2", true],
])("whether foo.localhost may set %s: %s", (setCookie, may) => {
  expect(isOwnCookie(setCookie, "foo.localhost")).toBe(may);
});
