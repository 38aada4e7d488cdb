// Run once before the tests: keeps what Node has compiled from growing for ever.
import { readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { childEnvironment } from "./child-environment.ts";

const folder = childEnvironment.NODE_COMPILE_CACHE;
/** Everything that is started here is about two thousand modules; each version of a file adds one, and Node never removes any. */
const most = 12_000;

export function setup(): void {
  const count = entries(folder).reduce((sum, name) => sum + entries(join(folder, name)).length, 0);
  if (count <= most) return;
  // Away at one blow: whoever writes there meanwhile makes a new one, or does without.
  const aside = `${folder}.old-${process.pid}`;
  renameSync(folder, aside);
  rmSync(aside, { recursive: true, force: true });
}

function entries(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    // Not there yet, or a file.
    return [];
  }
}
