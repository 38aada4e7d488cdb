import { expect, test } from "vitest";
import { beginJoining, joinedBy, joinedText, madeByHand, turned } from "./joining.ts";

test("both versions joined are shown first, one's own where they could not be joined", () => {
  expect(joinedText(beginJoining("both", "mine"))).toBe("both");
  expect(joinedText(turned(beginJoining("both", "mine")))).toBe("mine");
  expect(joinedText(beginJoining(null, "mine"))).toBe("mine");
  expect(joinedText(turned(beginJoining(null, "mine")))).toBe("mine");
});

test("what was made of one side is there again after a look at the other", () => {
  const edited = joinedBy(beginJoining("both", "mine"), "both by hand");
  expect(joinedText(turned(edited))).toBe("mine");
  expect(joinedText(turned(turned(edited)))).toBe("both by hand");
});

test("only what was made by hand counts as such, first that of the side that is shown", () => {
  const begun = beginJoining("both", "mine");
  expect(madeByHand(begun)).toBeNull();
  expect(madeByHand(turned(begun))).toBeNull();
  const edited = joinedBy(begun, "both by hand");
  expect(madeByHand(edited)).toBe("both by hand");
  expect(madeByHand(turned(edited))).toBe("both by hand");
  expect(madeByHand(joinedBy(turned(edited), "mine by hand"))).toBe("mine by hand");
  expect(madeByHand(joinedBy(edited, "both"))).toBeNull();
});
