import type { z } from "zod";
import { ConfigError, givenProblems, parseConfig } from "#kit/config.ts";
import type { Environment } from "#kit/lifecycle.ts";
import { configSchema, type SupervisorConfig } from "./config.ts";
import { dashboardUrl, refusedSitesDomain } from "./public-address.ts";

/**
 * The supervisor's settings, once everything that was given to any process has been looked at.
 * @throws {ConfigError} with the problems of all processes at once, so that a person mends them in one go.
 */
export function readSettings(environment: Environment, childSchemas: readonly z.ZodObject[]): SupervisorConfig {
  const problems = new Set<string>();
  for (const schema of [configSchema, ...childSchemas]) for (const problem of givenProblems(schema, environment)) problems.add(problem);
  if (problems.size > 0) throw new ConfigError([...problems]);
  const settings = parseConfig(configSchema, environment);
  const dashboard = dashboardUrl(settings, settings.BACKLOT_PORT);
  const refusals = sitesDomains(settings).flatMap((domain) => refusedSitesDomain(domain, dashboard) ?? []);
  if (refusals.length > 0) throw new ConfigError(refusals);
  return settings;
}

function sitesDomains(settings: SupervisorConfig): readonly string[] {
  const pattern = settings.BACKLOT_SITES_URL_PATTERN;
  if (pattern === undefined) return [settings.BACKLOT_SITES_DOMAIN];
  return [settings.BACKLOT_SITES_DOMAIN, new URL(pattern.replace("{name}.", "")).hostname];
}
