import { expect, test } from "vitest";
import { environmentOf, isSameEnvironment, newRow, parseDotEnv, rowProblems, rowsOf } from "./environment-draft.ts";

test("rows and variables go both ways, blank rows left out", () => {
  const rows = [...rowsOf({ B: "2", A: "1" }), newRow()];
  expect(rows.map(({ name }) => name)).toEqual(["A", "B", ""]);
  expect(environmentOf(rows)).toEqual({ A: "1", B: "2" });
  expect(rowProblems(rows).size).toBe(0);
});

test("a value without a name and a name given twice are told at their rows", () => {
  const rows = [newRow("A", "1"), newRow("A", "2"), newRow("", "3")];
  expect(rows.map((row) => rowProblems(rows).get(row.id))).toEqual([
    "There are two variables called A.",
    "There are two variables called A.",
    "Give the variable a name.",
  ]);
});

test("the order of variables does not matter", () => {
  expect(isSameEnvironment({ A: "1", B: "2" }, { B: "2", A: "1" })).toBe(true);
  expect(isSameEnvironment({ A: "1" }, { A: "1", B: "" })).toBe(false);
});

test("several lines of an .env file are understood, other text is not", () => {
  expect(parseDotEnv('# keys\nexport A=1\nB="two words"\nC=\n')).toEqual({ A: "1", B: "two words", C: "" });
  expect(parseDotEnv("just words\nof text")).toBeNull();
  expect(parseDotEnv("ONE=1")).toBeNull();
});
