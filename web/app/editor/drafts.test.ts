import { expect, test } from "vitest";
import { type Draft, draft, draftsAt, fits, maxDraftLength, maxDraftsLength, movedDrafts } from "./drafts.ts";

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
  expect(draftsAt(drafts, "public")).toEqual(["public/a"]);
});

test("what the browser kept is checked before it is believed", () => {
  expect(draft.safeParse(written("x")).success).toBe(true);
  expect(draft.safeParse({ ...written("x"), lineEnd: "\r" }).success).toBe(false);
});
