import type { z } from "zod";
import { ConfigError, givenProblems, parseConfig } from "#kit/config.ts";
import type { Environment } from "#kit/lifecycle.ts";
import { sitesDomainProblems } from "#kit/public-address.ts";
import { configSchema, type SupervisorConfig } from "./config.ts";

/**
 * The supervisor's settings, once everything that was given to any process has been looked at.
 * @throws {ConfigError} with the problems of all processes at once, so that a person mends them in one go.
 */
export function readSettings(environment: Environment, childSchemas: readonly z.ZodObject[]): SupervisorConfig {
  const problems = new Set<string>();
  for (const schema of [configSchema, ...childSchemas]) for (const problem of givenProblems(schema, environment)) problems.add(problem);
  if (problems.size > 0) throw new ConfigError([...problems]);
  const settings = parseConfig(configSchema, environment);
  const refusals = sitesDomainProblems(settings, settings.BACKLOT_PORT);
  if (refusals.length > 0) throw new ConfigError(refusals);
  return settings;
}
