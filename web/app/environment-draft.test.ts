import { expect, test } from "vitest";
import { environmentOf, isSameEnvironment, newRow, parseDotEnv, rebaseRows, rowProblems, rowsOf } from "./environment-draft.ts";

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

const shown = (rows: ReturnType<typeof rowsOf>) => rows.map(({ name, value, isContested }) => `${name}=${value}${isContested === true ? "!" : ""}`);

test("a table follows what others save, and what was changed in it stays", () => {
  const base = { A: "1", B: "2", GOING: "x" };
  const [a, b, going] = rowsOf(base);
  if (a === undefined || b === undefined || going === undefined) throw new Error("there are three rows");
  const draft = [{ ...a, value: "mine" }, b, going, newRow("NEW", "n"), newRow()];
  const saved = { A: "1", B: "theirs", THEIRS: "t" };
  const rows = rebaseRows({ base, draft }, saved);
  expect(shown(rows)).toEqual(["A=mine", "B=theirs", "NEW=n", "=", "THEIRS=t"]);
  // The rows that stay are the same ones: whoever types in one goes on.
  expect(rows.slice(0, 2).map(({ id }) => id)).toEqual([a.id, b.id]);
  // Removed here: it stays away.
  expect(shown(rebaseRows({ base, draft: [b] }, { ...base, B: "3" }))).toEqual(["B=3"]);
  // An untouched table is what is saved.
  expect(environmentOf(rebaseRows({ base, draft: rowsOf(base) }, saved))).toEqual(saved);
});

test("a variable that two people changed is marked, and one that somebody changed while it was removed here comes back", () => {
  const base = { A: "1", B: "2", C: "3" };
  const draft = rowsOf({ A: "mine", C: "mine" });
  expect(shown(rebaseRows({ base, draft }, { A: "theirs", B: "theirs" }))).toEqual(["A=mine!", "C=mine!", "B=theirs!"]);
  expect(shown(rebaseRows({ base, draft: rowsOf({ A: "same" }) }, { A: "same" }))).toEqual(["A=same"]);
});
