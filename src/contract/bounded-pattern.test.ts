import { describe, expect, test } from "vitest";
import { boundedPattern, maxPatternValue } from "./bounded-pattern.ts";

function matches(source: string, text: string): boolean | string {
  const pattern = boundedPattern(source);
  return pattern.kind === "pattern" ? pattern.matches(text) : pattern.reason;
}

const sources = [
  "abc",
  "^abc$",
  "a|bc|",
  "[a-z]+(?:-[a-z]+)*",
  "(a|ab)(c|bcd)",
  "a{2}b{1,3}c{2,}",
  "a*?b+?c??",
  "[^\\d\\s]+",
  "[\\]x-]+",
  "\\d{4}-\\d{2}-\\d{2}",
  "\\x61\\u0062\\u{63}",
  "\\p{L}+",
  "(?<year>\\d+)/(?:x)?",
  "a.c",
  "a\\$",
  "[$^]+",
  "(a?){3}",
  "((a*)*)*b",
  "\\/\\.\\(\\)",
  "",
];
const texts = [
  "",
  "abc",
  "bc",
  "a",
  "ab",
  "abcd",
  "acbcd",
  "aabbcc",
  "bbc",
  "foo-bar-baz",
  "foo--bar",
  "2026-11-22",
  "x]-",
  "ünï",
  "12/x",
  "a\nc",
  "a💙c",
  "a$",
  "$^",
  "aaab",
  "/.()",
];

test("judges as the engine's own matcher does", () => {
  for (const source of sources) {
    for (const text of texts) expect([source, text, matches(source, text)]).toEqual([source, text, new RegExp(`^(?:${source})$`, "u").test(text)]);
  }
});

describe("a pattern that would take the engine hours", () => {
  test.for(["(a+)+", "(a|a)*", "(a|aa)+", "([a-z]+)*", "(.*)*x?", "(a*)*b", "a*a*a*a*a*a*a*a*b", "(a{0,30}){0,30}b", "(((a+)+)+)+b"])(
    "%s is decided or given up at once",
    (source) => {
      const beganAt = performance.now();
      expect([true, false, "too-complicated"]).toContain(matches(source, `${"a".repeat(maxPatternValue - 1)}!`));
      expect(performance.now() - beganAt).toBeLessThan(500);
    },
  );
});

test.for([
  ["(", "Invalid regular expression"],
  ["a(?=b)", "look-around"],
  ["(?<!a)b", "look-around"],
  ["(a)\\1", "references"],
  ["(?<n>a)\\k<n>", "references"],
  ["\\bword", "not possible"],
  ["a^b", "only at the ends"],
  ["a{1001}", "repetitions"],
] as const)("%s cannot be used, and says why", ([source, reason]) => {
  const pattern = boundedPattern(source);
  expect(pattern).toMatchObject({ kind: "unusable", reason: expect.stringContaining(reason) });
});

test("a value that is too long is not compared", () => {
  expect(matches("a*", "a".repeat(maxPatternValue))).toBe(true);
  expect(matches("a*", "a".repeat(maxPatternValue + 1))).toBe("too-complicated");
});
