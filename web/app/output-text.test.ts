import { expect, test } from "vitest";
import { addOutput, emptyOutput, keptCharacters } from "./output-text.ts";

const piece = (offset: number, text: string, skipped = 0) => ({ offset, next: offset + text.length, text, skipped });

test("pieces are put together in order, and those of a new attempt begin anew", () => {
  const first = addOutput(emptyOutput, piece(0, "one "));
  const second = addOutput(first, piece(4, "two"));
  expect(second).toEqual({ text: "one two", next: 7, before: 0 });
  expect(addOutput(second, piece(0, "again"))).toEqual({ text: "again", next: 5, before: 0 });
});

test("a beginning in the middle says how much stands before it", () => {
  expect(addOutput(emptyOutput, piece(1000, "tail")).before).toBe(1000);
});

test("bytes that were not kept are told of where they are missing", () => {
  const output = addOutput(addOutput(emptyOutput, piece(0, "head")), piece(904, "tail", 900));
  expect(output.text).toBe("head\n[… 900 bytes were not kept …]\ntail");
});

test("a page keeps a bounded number of characters", () => {
  const output = addOutput(addOutput(emptyOutput, piece(0, "a".repeat(keptCharacters))), piece(keptCharacters, "end"));
  expect(output.text.length).toBe(keptCharacters);
  expect(output.text.endsWith("aend")).toBe(true);
});
