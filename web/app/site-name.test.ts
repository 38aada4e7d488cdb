import { expect, test } from "vitest";
import { isSiteName } from "#contract/site.ts";
import { nameProblem, passwordProblem, variableProblem } from "./site-name.ts";

test("a name is judged as the manager judges it, but for names that are taken or reserved", () => {
  const names = ["", "a", "ab", "a1", "1a", "a-b", "a--b", "-ab", "ab-", "Ab", "a b", "a_b", "ä", "a".repeat(32), "a".repeat(33), "аb", "a.b"];
  expect(names.filter((name) => nameProblem(name) === null)).toEqual(names.filter(isSiteName));
});

test("each kind of mistake is named", () => {
  expect(nameProblem("Chess")).toBe("Use lower-case letters only.");
  expect(nameProblem("my site")).toBe("Spaces are not allowed; use a dash instead.");
  expect(nameProblem("my_site")).toBe("“_” is not allowed; use letters a–z, digits and dashes.");
  expect(nameProblem("pi😀")).toBe("“😀” is not allowed; use letters a–z, digits and dashes.");
  expect(nameProblem("9b")).toBe("A site name starts with a letter.");
  expect(nameProblem("a--b")).toBe("Two dashes in a row are not allowed.");
  expect(nameProblem("x", "user")).toBe("A user name has at least 2 characters.");
});

test("a password has 8 to 200 characters", () => {
  expect(["1234567", "12345678", "x".repeat(200), "x".repeat(201)].map((each) => passwordProblem(each) === null)).toEqual([false, true, true, false]);
});

test("a variable has a proper name, given once, that the platform does not set", () => {
  expect(variableProblem("API_KEY", [], ["PORT"])).toBeNull();
  expect(variableProblem("PORT", [], ["PORT"])).toBe("PORT is set by Backlot itself.");
  expect(variableProblem("DIRECTOR_X", [], [])).toBe("DIRECTOR_X is set by Backlot itself.");
  expect(variableProblem("A", ["A"], [])).toBe("There are two variables called A.");
  expect(variableProblem("1A", [], [])).not.toBeNull();
});
