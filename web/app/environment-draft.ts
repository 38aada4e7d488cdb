import { reservedEnvironmentNames } from "#contract/site.ts";
import { variableProblem } from "./site-name.ts";

/** One row of the table of variables. */
export interface VariableRow {
  readonly id: number;
  readonly name: string;
  readonly value: string;
}

let lastId = 0;
export function newRow(name = "", value = ""): VariableRow {
  return { id: ++lastId, name, value };
}

export function rowsOf(environment: Readonly<Record<string, string>>): readonly VariableRow[] {
  return Object.entries(environment)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([name, value]) => newRow(name, value));
}

/** Rows without anything in them do not count. */
const isBlank = (row: VariableRow): boolean => row.name === "" && row.value === "";

/** What is wrong, by row; empty when all is well. */
export function rowProblems(rows: readonly VariableRow[]): ReadonlyMap<number, string> {
  const problems = new Map<number, string>();
  for (const row of rows) {
    if (isBlank(row)) continue;
    const others = rows.filter((each) => each.id !== row.id).map((each) => each.name);
    const problem = variableProblem(row.name, others, reservedEnvironmentNames);
    if (problem !== null) problems.set(row.id, problem);
  }
  return problems;
}

export function environmentOf(rows: readonly VariableRow[]): Record<string, string> {
  return Object.fromEntries(rows.filter((row) => !isBlank(row)).map((row) => [row.name, row.value]));
}

export function isSameEnvironment(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

/** Reads lines of `NAME=value`, as in an .env file, for pasting; null when the text is not that. */
export function parseDotEnv(text: string): Readonly<Record<string, string>> | null {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "" && !line.trim().startsWith("#"));
  if (lines.length < 2) return null;
  const environment: Record<string, string> = {};
  for (const line of lines) {
    const match = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(line);
    if (match === null) return null;
    const value = (match[2] ?? "").trim();
    environment[match[1] ?? ""] = /^(["']).*\1$/.test(value) ? value.slice(1, -1) : value;
  }
  return environment;
}
