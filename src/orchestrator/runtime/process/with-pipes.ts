import type { ChildProcess } from "node:child_process";

/**
 * A child that has its pipes. Where no descriptor is left Node gives one without any, and says why in an event a moment later, which would
 * end the process if nobody listened. @throws {Error} then
 */
export function withPipes<C extends ChildProcess>(child: C): C {
  const { stdio }: { readonly stdio: unknown } = child;
  if (stdio !== undefined) return child;
  child.on("error", () => undefined);
  throw new Error(`EMFILE: no descriptor is left to start ${child.spawnfile}`);
}
