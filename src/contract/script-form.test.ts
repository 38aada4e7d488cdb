import { describe, expect, test } from "vitest";
import { fillForm, formProblem, type ParameterValue, problemOf, problemsText } from "./script-form.ts";
import { type ScriptManual, scriptManual } from "./task.ts";

const manualOf = (...parameters: readonly unknown[]): ScriptManual => scriptManual.parse({ parameters });

function filled(manual: ScriptManual, given: Readonly<Record<string, ParameterValue>>, more?: readonly string[]): readonly string[] | string {
  const outcome = fillForm(manual, given, more);
  return outcome.kind === "arguments" ? outcome.arguments : problemsText(outcome.problems);
}

const backup = manualOf(
  { name: "folder", isRequired: true },
  { name: "level", type: "number", flag: "--level", min: 1, max: 9, default: 6 },
  { name: "format", type: "choice", flag: "--format=", choices: ["zip", "tar"] },
  { name: "verbose", type: "switch", flag: "-v" },
  { name: "skip", flag: "--skip", isMultiple: true },
);

describe("a filled form", () => {
  test("becomes the arguments in the manual's order, whatever the order of the values", () => {
    expect(filled(backup, { skip: "a\n\nb c\r\n", verbose: true, format: "tar", level: 9, folder: "my files" })).toEqual([
      "my files",
      "--level",
      "9",
      "--format=tar",
      "-v",
      "--skip",
      "a",
      "--skip",
      "b c",
    ]);
  });

  test("has the defaults of what is not given, and an empty text is not given", () => {
    expect(filled(backup, { folder: "x", format: "", skip: [] })).toEqual(["x", "--level", "6"]);
    expect(filled(manualOf({ name: "loud", type: "switch", default: true }), {})).toEqual(["--loud"]);
    expect(filled(manualOf({ name: "loud", type: "switch", default: true }), { loud: false })).toEqual([]);
  });

  test("takes what is no text as a text: quotes, blanks and $ stay what they are", () => {
    expect(filled(backup, { folder: `"; rm -rf $HOME #` })).toEqual([`"; rm -rf $HOME #`, "--level", "6"]);
  });

  test("comes before the other arguments", () => {
    expect(filled({ ...backup, allowsMoreArguments: true }, { folder: "x" }, ["y"])).toEqual(["x", "--level", "6", "y"]);
    expect(filled({}, {}, ["just", "these"])).toEqual(["just", "these"]);
  });
});

test.for<[string, ScriptManual, Record<string, ParameterValue>, string]>([
  ["a required value that is missing", backup, {}, "folder is required."],
  ["a required value that is empty", backup, { folder: "" }, "folder is required."],
  ["required values of which none is left", manualOf({ name: "of", isMultiple: true, isRequired: true }), { of: "\n\n" }, "of is required."],
  ["a number out of range", backup, { folder: "x", level: 10 }, "level takes a number from 1 to 9."],
  ["a number that is too small", manualOf({ name: "n", type: "number", min: 0 }), { n: -1 }, "n takes a number of at least 0."],
  ["a number that is too large", manualOf({ name: "n", type: "number", max: 0 }), { n: "1" }, "n takes a number of at most 0."],
  ["a number in words", backup, { folder: "x", level: "six" }, "level takes a number."],
  ["a hexadecimal number", backup, { folder: "x", level: "0x6" }, "level takes a number."],
  ["no number", backup, { folder: "x", level: Number.NaN }, "level takes a number."],
  ["an endless number", manualOf({ name: "n", type: "number" }), { n: "1e999" }, "n takes a number."],
  ["a choice that is none", backup, { folder: "x", format: "rar" }, "format takes one of: zip, tar."],
  ["a choice without choices", manualOf({ name: "c", type: "choice" }), { c: "x" }, "c cannot be chosen: the script's manual lists no choices."],
  ["a switch with a text", backup, { folder: "x", verbose: "very" }, "verbose is a switch: true or false."],
  ["a switch that has to be on", manualOf({ name: "sure", type: "switch", isRequired: true }), { sure: false }, "sure has to be switched on."],
  ["two values for one", backup, { folder: ["x", "y"] }, "folder takes one value only."],
  ["a text that is a switch", backup, { folder: true }, "folder takes a text, not true or false."],
  ["NUL", backup, { folder: "a\0b" }, "folder holds a NUL character, which no argument can."],
  [
    "a parameter that is none",
    backup,
    { folder: "x", colour: "red" },
    "colour is no parameter of the script (there are: folder, level, format, verbose, skip).",
  ],
  ["a parameter of a script without", {}, { colour: "red" }, "colour is no parameter of the script (the script has no parameters)."],
  [
    "a name of every object",
    backup,
    JSON.parse('{"folder":"x","__proto__":"y"}'),
    "__proto__ is no parameter of the script (there are: folder, level, format, verbose, skip).",
  ],
  [
    "a value of another form",
    manualOf({ name: "day", pattern: "\\d{4}-\\d\\d" }),
    { day: "2026-1" },
    "day does not have the form that is asked for: \\d{4}-\\d\\d.",
  ],
  [
    "one of several of another form",
    manualOf({ name: "day", pattern: "\\d+", isMultiple: true }),
    { day: "1\nx" },
    "day does not have the form that is asked for: \\d+: x.",
  ],
  ["a value too long for its pattern", manualOf({ name: "day", pattern: ".*" }), { day: "x".repeat(2001) }, "day has more than 2000 characters."],
  ["several at once", backup, { level: 0, format: "rar" }, "folder is required; level takes a number from 1 to 9; format takes one of: zip, tar."],
])("%s is said in plain words", ([, manual, given, text]) => {
  expect(filled(manual, given)).toBe(text);
});

test("a value matches its pattern as a whole or not at all", () => {
  const manual = manualOf({ name: "name", pattern: "[a-z]+" });
  expect(filled(manual, { name: "abc" })).toEqual(["abc"]);
  expect(filled(manual, { name: "abc; rm" })).toContain("does not have the form");
  expect(filled(manual, { name: "abc\n" })).toContain("does not have the form");
});

test("a pattern that would never end is given up", () => {
  const manual = manualOf({ name: "name", pattern: "(((a{0,50}){0,50}){0,50}){0,50}b" });
  expect(filled(manual, { name: "a".repeat(2000) })).toMatch(/too complicated|does not have the form/);
});

test("arguments beyond the form are refused unless the script takes them", () => {
  expect(filled(backup, { folder: "x" }, ["y"])).toBe("the script takes no arguments beyond its parameters.");
  expect(filled({ allowsMoreArguments: false }, {}, ["y"])).toBe("the script takes no arguments beyond its parameters.");
});

test("more arguments than a program should get are refused", () => {
  const manual = { ...manualOf({ name: "of", flag: "-f", isMultiple: true }), allowsMoreArguments: true };
  expect(filled(manual, { of: Array.from({ length: 500 }, () => "x") })).toHaveLength(1000);
  expect(filled(manual, { of: Array.from({ length: 500 }, () => "x") }, ["y"])).toBe("the script would get 1001 arguments, and 1000 is the most.");
});

test("a single field can be judged while it is filled in", () => {
  const [, level] = backup.parameters ?? [];
  if (level === undefined) throw new Error("no parameter");
  expect(problemOf(level, "12")).toBe("takes a number from 1 to 9");
  expect(problemOf(level, undefined)).toBeNull();
});

test.each([
  [manualOf({ name: "a" }, { name: "a" }), "the parameter a stands there twice"],
  [manualOf({ name: "size", type: "choice" }), "the parameter size is a choice without choices"],
  [manualOf({ name: "n", type: "number", min: 3, max: 2 }), "the parameter n takes a number of at least 3 and at most 2, which none is"],
  [manualOf({ name: "n", type: "number", max: 2, default: 3 }), "the parameter n has a default that it does not take: takes a number of at most 2"],
  [manualOf({ name: "day", pattern: "(?<=a)b" }), expect.stringMatching(/^the parameter day has a pattern that cannot be used \(.+\)$/)],
  [manualOf({ name: "day", pattern: "[a-z]+", default: "x" }, { name: "loud", type: "switch", default: true }), null],
])("a form that cannot be filled in is told from one that can: %#", (manual, problem) => {
  expect(formProblem(manual)).toEqual(problem);
});
