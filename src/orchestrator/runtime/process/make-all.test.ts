import { expect, test } from "vitest";
import { makeAll } from "./make-all.ts";

test("what was made before one that cannot be made is given up, in the order of making", () => {
  const givenUp: number[] = [];
  const make = (one: number): number => {
    if (one === 3) throw new Error("EMFILE");
    return one * 10;
  };
  const giveUp = (made: number): void => void givenUp.push(made);
  expect(makeAll([1, 2], { make, giveUp })).toEqual([10, 20]);
  expect(() => makeAll([1, 2, 3, 4], { make, giveUp })).toThrow("EMFILE");
  expect(givenUp).toEqual([10, 20]);
});
