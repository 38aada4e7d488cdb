import { expect, test } from "vitest";
import { narrowChange, onDiskChange, onDraft } from "./decide.ts";

test("a clean tab follows the site, unsaved work is told and left alone", () => {
  expect(onDiskChange({ base: "1", disk: "1", isDirty: true })).toBe("nothing");
  expect(onDiskChange({ base: "1", disk: "2", isDirty: false })).toBe("reload");
  expect(onDiskChange({ base: "1", disk: "2", isDirty: true })).toBe("tell-changed");
  expect(onDiskChange({ base: "1", disk: null, isDirty: false })).toBe("tell-gone");
  expect(onDiskChange({ base: null, disk: null, isDirty: true })).toBe("nothing");
});

test("a draft goes on where it was, beside what happened meanwhile", () => {
  expect(onDraft({ base: "1", disk: "1", isSame: false })).toBe("resume");
  expect(onDraft({ base: "1", disk: "2", isSame: false })).toBe("resume-beside-change");
  expect(onDraft({ base: "1", disk: null, isSame: false })).toBe("resume-beside-loss");
  expect(onDraft({ base: "1", disk: "2", isSame: true })).toBe("drop");
});

test("a reload changes only what differs", () => {
  expect(narrowChange("one two three", "one 2 three")).toEqual({ from: 4, to: 7, insert: "2" });
  expect(narrowChange("aaa", "aaaa")).toEqual({ from: 3, to: 3, insert: "a" });
  expect(narrowChange("abc", "")).toEqual({ from: 0, to: 3, insert: "" });
  expect(narrowChange("same", "same")).toBeNull();
});

test("applied, the change gives the other text whatever the texts are", () => {
  const letters = ["a", "b", "\n"];
  let seed = 7;
  const next = (below: number): number => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed % below;
  };
  const text = (): string => Array.from({ length: next(8) }, () => letters[next(3)]).join("");
  for (let round = 0; round < 500; round++) {
    const [before, after] = [text(), text()];
    const change = narrowChange(before, after);
    expect(change === null ? before : before.slice(0, change.from) + change.insert + before.slice(change.to)).toBe(after);
  }
});
