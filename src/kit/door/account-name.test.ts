import { expect, test } from "vitest";
import { parseAccountName } from "./account-name.ts";

test.each([
  ["ada", "ada", null],
  [" ada ", "ada", null],
  ["ada/clock", "ada", "clock"],
  ["ada+clock", "ada", "clock"],
  ["ada/clock+x", "ada", "clock+x"],
  ["ada/", "ada", ""],
  ["", "", null],
  ["a\nb/c\nd", "a\nb", "c\nd"],
])("%j is the account %j and the site %j", (given, username, site) => {
  expect(parseAccountName(given)).toEqual({ username, site });
});
