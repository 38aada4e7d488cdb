import { expect, test } from "vitest";
import { HeldNames } from "./held-names.ts";

test("a person holds so many names at once, all together so many, and what was given back is free again", () => {
  const names = new HeldNames({ perPerson: 10, all: 15 });
  expect([names.take("ada", 6), names.take("ada", 5), names.take("ada", 4)]).toEqual([true, false, true]);
  expect([names.take("bob", 6), names.take("bob", 5)]).toEqual([false, true]);
  names.giveBack("ada", 6);
  expect([names.take("bob", 5), names.take("ada", 2), names.take("ada", 1)]).toEqual([true, false, true]);
});
