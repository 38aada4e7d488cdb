import { expect, it } from "vitest";
import { blocksAfter, readFormerBlock } from "./address-block.ts";
import { blockCount } from "./network-plan.ts";

it("tries every block, the one before last of all", () => {
  expect(blocksAfter(null)).toEqual(Array.from({ length: blockCount }, (_, index) => index));
  expect(blocksAfter(3).slice(0, 3)).toEqual([4, 5, 6]);
  expect(blocksAfter(3).at(-1)).toBe(3);
  expect(blocksAfter(blockCount - 1)[0]).toBe(0);
});

it("knows no block before the first start", () => {
  expect(readFormerBlock("/does/not/exist")).toBe(null);
});
