import { lstatSync, readlinkSync } from "node:fs";
import { runCommand } from "./run-command.ts";
import type { SystemFolder } from "./sandbox-command.ts";

const names = ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"] as const;

/** The top-level folders of this machine that programs need besides `/usr`. */
export function systemFolders(): readonly SystemFolder[] {
  return names.flatMap((path) => {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found === undefined) return [];
    return [{ path, link: found.isSymbolicLink() ? readlinkSync(path) : null }];
  });
}

/** Whether this bubblewrap knows how to forbid further user namespaces. */
export async function canDisableUserNamespaces(bwrap: string): Promise<boolean> {
  return (await runCommand([bwrap, "--help"])).stdout.includes("--disable-userns");
}
