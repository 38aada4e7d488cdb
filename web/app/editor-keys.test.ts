import { expect, test } from "vitest";
import { indent, indentOf, newLine, outdent, type TextEdit, type TextState } from "./editor-keys.ts";

/** `|` marks the caret or both ends of the selection. */
function state(marked: string): TextState {
  const start = marked.indexOf("|");
  const end = marked.lastIndexOf("|");
  return { text: marked.replaceAll("|", ""), start, end: end === start ? start : end - 1 };
}
function after({ text }: TextState, edit: TextEdit): string {
  const changed = text.slice(0, edit.from) + edit.insert + text.slice(edit.to);
  const ended = `${changed.slice(0, edit.end)}|${changed.slice(edit.end)}`;
  return edit.start === edit.end ? ended : `${ended.slice(0, edit.start)}|${ended.slice(edit.start)}`;
}
const press = (key: (each: TextState) => TextEdit, marked: string): string => after(state(marked), key(state(marked)));

test("Tab puts in one level where the caret is, and indents every selected line", () => {
  expect(press(indent, "a|b")).toBe("a  |b");
  expect(press(indent, "|a\nb|")).toBe("  |a\n  b|");
  expect(press(indent, "x\n|a\n\nb\n|")).toBe("x\n  |a\n\n  b\n|");
});

test("Shift-Tab takes one level from every line it touches", () => {
  expect(press(outdent, "    a|")).toBe("a|");
  expect(press(outdent, "  x\n    a|")).toBe("  x\n  a|");
  expect(press(outdent, "  |a\n  b|")).toBe("|a\nb|");
  expect(press(outdent, "a|")).toBe("a|");
  expect(press(outdent, "|    a")).toBe("|a");
});

test("Enter keeps the indentation of the line", () => {
  expect(press(newLine, "  a|")).toBe("  a\n  |");
  expect(press(newLine, "\ta|b")).toBe("\ta\n\t|b");
  expect(press(newLine, "|")).toBe("\n|");
});

test("a level is what the text already uses", () => {
  expect([indentOf("a\n\tb"), indentOf("a\n    b"), indentOf("a\n  b\n    c"), indentOf("a")]).toEqual(["\t", "    ", "  ", "  "]);
});
