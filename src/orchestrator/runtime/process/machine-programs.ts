import { accessSync, constants } from "node:fs";
import { join } from "node:path";

// Sites are launched with an empty environment, so programs are named by their whole path.
const folders = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"] as const;

/** Where a program of this machine is; null when it is not installed. */
export function findProgram(name: string): string | null {
  return folders.map((folder) => join(folder, name)).find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Finds several programs; the names of those that are not installed stand in `missing`. */
export function findPrograms<Name extends string>(
  names: readonly Name[],
): { readonly found: Readonly<Record<Name, string>>; readonly missing: readonly Name[] } {
  const paths = names.map((name) => [name, findProgram(name)] as const);
  return {
    // Names without a path are in `missing`, which callers look at first.
    found: Object.fromEntries(paths.map(([name, path]) => [name, path ?? ""])) as Record<Name, string>,
    missing: paths.filter(([, path]) => path === null).map(([name]) => name),
  };
}
