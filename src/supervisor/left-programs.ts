import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { isAlive, killGroup, processId, signalProcess } from "#kit/process-id.ts";

/**
 * Ends what the router of a Backlot that was killed as a whole has left: a balancer that goes on serving, and holds the port of the sites.
 * Only called while nobody else can be using this folder.
 */
export async function endLeftPrograms(dataFolder: string): Promise<void> {
  const folder = join(dataFolder, "router", "programs");
  for (const file of await readdir(folder).catch(() => [])) {
    const left = processId.safeParse(await readJson(join(folder, file))).data;
    if (left === undefined) continue;
    const isLeft = isAlive(left);
    signalProcess(left, "SIGKILL");
    // `nginx-2.json` is one of several nginx.
    killGroup(left.pid, basename(file, ".json").replace(/-\d+$/, ""));
    while (isLeft && isAlive(left)) await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, "utf8"));
  } catch {
    return undefined;
  }
}
