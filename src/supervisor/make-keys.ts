import { join, resolve } from "node:path";
import { parseConfig } from "#kit/config.ts";
import type { StartService } from "#kit/lifecycle.ts";
import { ensureKeys } from "./keys.ts";
import { configSchema } from "./keys-config.ts";

/**
 * Makes the keys by which the processes know each other, where there are none yet, and ends: `backlot run keys`, once before processes
 * that are started one by one. `backlot start` does it by itself.
 */
export const start: StartService = async (environment) => {
  const { BACKLOT_DATA } = parseConfig(configSchema, environment);
  const folder = join(resolve(BACKLOT_DATA), "keys");
  await ensureKeys(folder);
  return { doors: {}, notices: [`The keys are in ${folder}`], stop: async () => undefined };
};
