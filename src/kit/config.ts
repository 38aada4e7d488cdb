import { readFileSync } from "node:fs";
import { z } from "zod";
import type { Environment } from "./lifecycle.ts";

/** The settings are not usable; every problem is a line for a person. main.ts prints them and exits with 2. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.name = "ConfigError";
    this.problems = problems;
  }
}

/**
 * Parses a process' settings. The schema's keys are the names of environment variables; every field carries `.describe()`,
 * its unit in its name, and `.meta({ secret: true })` when it is one. `X_FILE` names a file that holds the value of X.
 * An empty variable counts as absent.
 * @throws {ConfigError} with all problems at once.
 */
export function parseConfig<S extends z.ZodObject>(schema: S, environment: Environment): z.output<S> {
  const problems: string[] = [];
  const values: Record<string, string> = {};
  for (const name of Object.keys(schema.shape)) {
    const value = read(name, environment, problems);
    if (value !== undefined && value !== "") values[name] = value;
  }
  const parsed = schema.safeParse(values);
  if (parsed.success && problems.length === 0) return parsed.data;
  for (const issue of parsed.error?.issues ?? []) problems.push(`${issue.path.join(".")}: ${issue.message}`);
  throw new ConfigError(problems);
}

/** What is wrong with the values that were given, absent ones aside: lines for a person. */
export function givenProblems(schema: z.ZodObject, environment: Environment): readonly string[] {
  const problems: string[] = [];
  for (const [name, field] of Object.entries(schema.shape)) {
    const value = read(name, environment, problems);
    if (value === undefined || value === "") continue;
    for (const issue of z.safeParse(field, value).error?.issues ?? []) problems.push(`${name}: ${issue.message}`);
  }
  return problems;
}

function read(name: string, environment: Environment, problems: string[]): string | undefined {
  const file = environment[`${name}_FILE`];
  if (file === undefined || file === "") return environment[name];
  try {
    return readFileSync(file, "utf8").replace(/\r?\n$/, "");
  } catch {
    problems.push(`${name}_FILE: the file ${file} cannot be read`);
    return undefined;
  }
}

/** A port: 0 lets the system choose. */
export const port = z.coerce.number().int().min(0).max(65_535);
