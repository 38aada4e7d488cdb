import { z } from "zod";
import { ConfigError } from "#kit/config.ts";

/** Where the orchestrators are, and when one counts as lost: the same for managers and workers. */
export const orchestratorSettings = {
  BACKLOT_ORCHESTRATOR_URLS: z.string().optional().describe("Internal addresses of the orchestrators, separated by commas, one for each machine"),
  BACKLOT_ORCHESTRATOR_URL: z.url().optional().describe("Internal address of the orchestrator, where there is one; the same as BACKLOT_ORCHESTRATOR_URLS"),
  BACKLOT_NODE_BEAT_MS: z.coerce.number().int().min(100).max(60_000).default(2_000).describe("How often each orchestrator is asked how it is, in milliseconds"),
  BACKLOT_NODE_LOST_MS: z.coerce
    .number()
    .int()
    .min(500)
    .max(3_600_000)
    .default(10_000)
    .describe("After how many milliseconds without an answer an orchestrator counts as lost, and others that share its files take over its sites"),
};

/** The addresses that were given, each once. @throws {ConfigError} when there are none, or one is no address. */
export function orchestratorUrls(settings: {
  readonly BACKLOT_ORCHESTRATOR_URLS?: string | undefined;
  readonly BACKLOT_ORCHESTRATOR_URL?: string | undefined;
}): readonly string[] {
  const given = settings.BACKLOT_ORCHESTRATOR_URLS ?? settings.BACKLOT_ORCHESTRATOR_URL ?? "";
  const urls = given.split(",").flatMap((url) => url.trim().replace(/\/+$/, "") || []);
  if (urls.length === 0)
    throw new ConfigError(["BACKLOT_ORCHESTRATOR_URLS: say where the orchestrators are, for example http://10.0.0.5:8100,http://10.0.0.6:8100"]);
  const wrong = urls.filter((url) => !URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol));
  if (wrong.length > 0) throw new ConfigError(wrong.map((url) => `BACKLOT_ORCHESTRATOR_URLS: ${url} is no address such as http://10.0.0.5:8100`));
  return [...new Set(urls)];
}
