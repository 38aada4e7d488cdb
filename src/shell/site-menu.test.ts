import { expect, test } from "vitest";
import { menuText, newMenu, press } from "./site-menu.ts";

const sites = Array.from({ length: 12 }, (_, at) => `site-${at + 1}`);
const chosen = (input: string): number | string => {
  const step = press(newMenu(sites), input);
  return step.kind === "chosen" ? step.index : step.kind === "menu" ? `marked ${step.menu.marked}` : "left";
};

test.each([
  ["\r", 0],
  ["\u001b[B\u001b[B\r", 2],
  ["\u001bOB\u001bOA\u001bOA\n", 11],
  ["jjk\r", 1],
  ["\u001b[F\r", 11],
  ["12\r", 11],
  ["7\r", 6],
  ["99\r", "marked 8"],
  ["0\r", 0],
  ["12\u007f\r", "marked 11"],
  ["q", "left"],
  ["\u0003", "left"],
  ["\u001b", "left"],
  ["2\rrm -rf", 1],
])("typing %j leads to %j", (input, result) => {
  expect(chosen(input)).toBe(result);
});

test("a list that is longer than the terminal moves with the mark", () => {
  const lines = menuText({ sites, marked: 11, typed: "" }, 10).split("\r\n");
  expect(lines).toHaveLength(9);
  expect(lines.join("\n")).toContain("12  site-12");
  expect(lines.join("\n")).toContain("(9-12 of 12)");
});
