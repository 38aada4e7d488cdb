import { expect, test } from "vitest";
import { diffLines } from "./line-diff.ts";

const shown = (theirs: string, mine: string) => diffLines(theirs, mine).map(({ kind, text }) => `${kind[0]} ${text}`);

test("what is equal stays, what differs is told apart", () => {
  expect(shown("a\nb\nc", "a\nx\nc")).toEqual(["s a", "t b", "m x", "s c"]);
  expect(shown("a\nc", "a\nb\nc")).toEqual(["s a", "m b", "s c"]);
  expect(shown("a\nb", "a")).toEqual(["s a", "t b"]);
  expect(shown("a", "a")).toEqual(["s a"]);
});

test("a line that moved is found where it went, with as few changes as possible", () => {
  expect(shown("1\n2\n3\n4", "2\n3\n4\n1").filter((line) => !line.startsWith("s"))).toEqual(["t 1", "m 1"]);
});

test("both texts can be rebuilt from the comparison", () => {
  const words = ["a", "b", "c", ""];
  const random = (seed: number) => Array.from({ length: 12 }, (_, index) => words[(seed * 31 + index * index * 7 + seed * index) % 4]).join("\n");
  for (let seed = 1; seed < 60; seed++) {
    const [theirs, mine] = [random(seed), random(seed + 100)];
    const lines = diffLines(theirs, mine);
    const without = (kind: string) =>
      lines
        .filter((line) => line.kind !== kind)
        .map((line) => line.text)
        .join("\n");
    expect(without("mine")).toBe(theirs);
    expect(without("theirs")).toBe(mine);
  }
});

test("two very different large texts are compared without filling the memory", () => {
  const large = (prefix: string) => Array.from({ length: 5000 }, (_, index) => `${prefix}${index}`).join("\n");
  expect(diffLines(large("a"), large("b"))).toHaveLength(10_000);
});
