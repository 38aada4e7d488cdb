import { expect, test } from "vitest";
import { mergeTexts } from "./merge.ts";

const base = "one\ntwo\nthree\nfour\nfive\nsix\n";

test("changes of different lines are joined", () => {
  const mine = base.replace("one", "1\n1b");
  const theirs = base.replace("five\n", "");
  expect(mergeTexts(base, mine, theirs)).toBe("1\n1b\ntwo\nthree\nfour\nsix\n");
  expect(mergeTexts(base, theirs, mine)).toBe("1\n1b\ntwo\nthree\nfour\nsix\n");
});

test("a change that both made counts once", () => {
  const both = base.replace("three", "3");
  expect(mergeTexts(base, both, both.replace("six", "6"))).toBe("one\ntwo\n3\nfour\nfive\n6\n");
  expect(mergeTexts(base, both, both)).toBe(both);
});

test("different changes of one line, or of lines that touch, are left to a person", () => {
  expect(mergeTexts(base, base.replace("two", "2"), base.replace("two", "zwei"))).toBeNull();
  expect(mergeTexts(base, base.replace("two", "2"), base.replace("three", "3"))).toBeNull();
  expect(mergeTexts("a\n", "a\nmine\n", "a\ntheirs\n")).toBeNull();
});

test("one side that changed nothing leaves the other as it is", () => {
  expect(mergeTexts(base, base, "quite\ndifferent")).toBe("quite\ndifferent");
  expect(mergeTexts(base, "", base)).toBe("");
});
