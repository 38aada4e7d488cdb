import { expect, test } from "vitest";
import { changedFields, fieldRules, following } from "./draft.ts";

interface Fields {
  readonly words: string;
  readonly zone: string;
  readonly seconds: number | null;
}
const rules = fieldRules<Fields>();
const base: Fields = { words: "old", zone: "UTC", seconds: 60 };

test("what is typed stays when something else is saved, and the rest of the form follows", () => {
  const held = following(rules, { base, draft: { ...base, words: "typed" } }, { ...base, zone: "Europe/Berlin", seconds: null });
  expect(held.draft).toEqual({ words: "typed", zone: "Europe/Berlin", seconds: null });
  expect(changedFields(held.base, held.draft)).toEqual({ words: "typed" });
});

test("an untouched form follows whatever is saved, and holds no change", () => {
  const held = following(rules, { base, draft: base }, { words: "theirs", zone: "UTC", seconds: 60 });
  expect(held.draft.words).toBe("theirs");
  expect(changedFields(held.base, held.draft)).toEqual({});
});

test("nothing new is nothing to draw again, however often the same is told", () => {
  const held = { base, draft: { ...base, words: "typed" } };
  expect(following(rules, held, { ...base })).toBe(held);
});

test("what somebody else saved in the same words is no change any more", () => {
  const held = following(rules, { base, draft: { ...base, words: "same" } }, { ...base, words: "same" });
  expect(changedFields(held.base, held.draft)).toEqual({});
});

test("after saving, what the server made of the words is shown, and what was typed meanwhile stays", () => {
  const sent = { ...base, words: "words " };
  const typedSince = { ...sent, zone: "Asia/Tokyo" };
  const held = following(rules, { base: sent, draft: typedSince }, { ...base, words: "words" });
  expect(held.draft).toEqual({ words: "words", zone: "Asia/Tokyo", seconds: 60 });
  expect(changedFields(held.base, held.draft)).toEqual({ zone: "Asia/Tokyo" });
});
