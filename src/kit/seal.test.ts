import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { createSeal } from "./seal.ts";

test("a sealed text opens with its key only, and not when it was changed", () => {
  const secret = randomBytes(32);
  const seal = createSeal(secret, "environment");
  const sealed = seal.seal("TOKEN=ä");
  expect(sealed).not.toContain("TOKEN");
  expect(seal.open(sealed)).toBe("TOKEN=ä");
  expect(seal.seal("TOKEN=ä")).not.toBe(sealed);
  expect(() => createSeal(randomBytes(32), "environment").open(sealed)).toThrow();
  expect(() => createSeal(secret, "something else").open(sealed)).toThrow();
  expect(() => seal.open(`${sealed.slice(0, -4)}AAAA`)).toThrow();
  expect(() => seal.open("TOKEN=ä")).toThrow("not a sealed text");
});
