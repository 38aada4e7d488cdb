import { expect, test } from "vitest";
import { Failure } from "#contract/failure.ts";
import type { SitePurpose } from "#contract/site.ts";
import { checkSiteName } from "./site-name.ts";

const judge = (name: string, purpose: SitePurpose = "project"): string => {
  try {
    checkSiteName(name, purpose);
    return "fine";
  } catch (error) {
    return error instanceof Failure ? error.code : "bug";
  }
};

test.each(["ab", "chess-club", "a1", "x".repeat(32)])("%s is a fine name", (name) => expect(judge(name)).toBe("fine"));

test.each(["a", "x".repeat(33), "1ab", "-ab", "ab-", "a--b", "Ab", "a_b", "a.b", "a b", "", "ünder", "раураl", "a/b", "a\0b", "xn--abc"])(
  "%j is refused",
  (name) => {
    expect(judge(name)).toBe("site_name_invalid");
  },
);

test.each(["admin", "www", "api", "localhost", "wpad"])("%s is reserved, for personal sites too", (name) => {
  expect(judge(name)).toBe("site_name_reserved");
  expect(judge(name, "user")).toBe("site_personal_name_reserved");
});
