import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { z } from "zod";
import { starterOffer } from "#contract/internal/orchestrator.ts";

export type Starter = z.output<typeof starterOffer>;

/** Reads what the starters' folders say of themselves: `starter.json` in each. */
export async function readStarters(folder: string): Promise<readonly Starter[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return Promise.all(
    names.toSorted().map(async (name) => {
      const starter = starterOffer.parse(JSON.parse(await readFile(join(folder, name, "starter.json"), "utf8")));
      if (starter.name !== name) throw new Error(`the starter in the folder ${name} calls itself ${starter.name}`);
      return starter;
    }),
  );
}
