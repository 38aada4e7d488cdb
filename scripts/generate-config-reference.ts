// Writes docs/configuration.md and .env.example; with --check it compares them instead, and fails when they are not up to date.
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { originalNames } from "../src/original-names.ts";
import { configSchema as everyProcess } from "../src/process-config.ts";
import { serviceConfigs } from "../src/service-configs.ts";
import { type ProcessSettings, renderReference } from "./config-reference.ts";

const processes: ProcessSettings[] = [{ process: "every process", schema: everyProcess }];
for (const [process, load] of Object.entries(serviceConfigs)) processes.push({ process, schema: await load() });
const { markdown, envExample } = renderReference(processes, originalNames);

for (const [path, text] of [
  ["docs/configuration.md", markdown],
  [".env.example", envExample],
] as const) {
  const file = fileURLToPath(new URL(`../${path}`, import.meta.url));
  if (!process.argv.includes("--check")) await writeFile(file, text);
  else if ((await readFile(file, "utf8").catch(() => "")) !== text) {
    process.stderr.write(`${path} is not up to date: node scripts/generate-config-reference.ts\n`);
    process.exitCode = 1;
  }
}
