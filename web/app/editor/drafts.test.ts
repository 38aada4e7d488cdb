import { expect, test } from "vitest";
import { type Draft, draft, fits, maxDraftLength, maxDraftsLength, movedDrafts, unsavedInTheWay } from "./drafts.ts";

const written = (text: string): Draft => ({ base: '"abc"', text, lineEnd: "\n", hasMark: false, at: 1 });

test("there is room for a draft until one or all together are too long", () => {
  expect(fits(new Map(), "a", "x".repeat(maxDraftLength))).toBe(true);
  expect(fits(new Map(), "a", "x".repeat(maxDraftLength + 1))).toBe(false);
  const full = new Map(Array.from({ length: maxDraftsLength / maxDraftLength }, (_, index) => [`f${index}`, written("x".repeat(maxDraftLength))]));
  expect(fits(full, "another", "x")).toBe(false);
  // What is written anew counts once.
  expect(fits(full, "f0", "shorter")).toBe(true);
});

test("drafts go with a folder that is moved", () => {
  const drafts = new Map([
    ["public/a", written("1")],
    ["public2/a", written("2")],
  ]);
  expect([...movedDrafts(drafts, { from: "public", to: "old/public" }).keys()]).toEqual(["old/public/a", "public2/a"]);
  // What stands there already is somebody's work, and so is what would have come.
  const both = new Map([
    ["a", written("1")],
    ["b", written("2")],
  ]);
  expect(movedDrafts(both, { from: "b", to: "a" })).toEqual(both);
});

test("in the way of a move is what has unsaved work at its new place or below", () => {
  const unsaved = ["public/a", "public2/a", "public"];
  expect(unsavedInTheWay(unsaved, { from: "old", to: "public" })).toEqual(["public/a", "public"]);
  expect(unsavedInTheWay(unsaved, { from: "public", to: "old" })).toEqual([]);
  expect(unsavedInTheWay(["docs/public"], { from: "docs/public", to: "docs" })).toEqual([]);
});

test("what the browser kept is checked before it is believed", () => {
  expect(draft.safeParse(written("x")).success).toBe(true);
  expect(draft.safeParse({ ...written("x"), lineEnd: "\r" }).success).toBe(false);
});
