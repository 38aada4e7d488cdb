import type { readEnvironment } from "#contract/api/sites.ts";
import type { ResultOf } from "#contract/endpoint.ts";
import { reservedEnvironmentNames } from "#contract/site.ts";
import type { DraftRules, Held } from "./draft.ts";
import { variableProblem } from "./site-name.ts";

type Environment = ResultOf<typeof readEnvironment>["environment"];

/** The variables as they are saved, and the version that a write of them is based on. */
export interface SavedEnvironment {
  readonly environment: Environment;
  readonly version: string | null;
}

/** One row of the table of variables. */
export interface VariableRow {
  readonly id: number;
  readonly name: string;
  readonly value: string;
  /** Somebody else changed it, too, since it was read. */
  readonly isContested?: boolean;
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

/** The table over newer variables: what was changed here stays, everything else follows, and nobody's variable goes by a table that never showed it. */
export function rebaseRows({ base, draft }: Held<Environment, readonly VariableRow[]>, saved: Environment): readonly VariableRow[] {
  const isMoved = (name: string): boolean => base[name] !== saved[name];
  const kept = draft.flatMap((row) => {
    if (row.name === "" || !isMoved(row.name) || row.value === saved[row.name]) return [row];
    if (row.value !== base[row.name]) return [{ ...row, isContested: true }];
    const value = saved[row.name];
    return value === undefined ? [] : [{ ...row, value }];
  });
  const missing = Object.keys(saved).filter((name) => isMoved(name) && !draft.some((row) => row.name === name));
  // What was removed here, while somebody gave it another value, comes back to be looked at.
  const added = rowsOf(Object.fromEntries(missing.map((name) => [name, saved[name] ?? ""]))).map((row) =>
    base[row.name] === undefined ? row : { ...row, isContested: true },
  );
  return [...kept, ...added];
}

export const environmentRules: DraftRules<SavedEnvironment, readonly VariableRow[]> = {
  draftOf: ({ environment }) => rowsOf(environment),
  rebase: ({ base, draft }, saved) => rebaseRows({ base: base.environment, draft }, saved.environment),
  isSame: (a, b) => a.version === b.version && isSameEnvironment(a.environment, b.environment),
};

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
