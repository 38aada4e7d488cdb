import { Failure, type FailureCode } from "#contract/failure.ts";
import type { Jail } from "#kit/jail/jail.ts";
import { openFile } from "#kit/jail/read-file.ts";

/** What stands at a script's path. */
export type FoundScript = { readonly kind: "script"; readonly needsShell: boolean } | { readonly kind: "not-found" } | { readonly kind: "not-executable" };

const absent: ReadonlySet<FailureCode> = new Set(["file_not_found", "not_a_folder", "path_invalid", "path_outside_site"]);
const unusable: ReadonlySet<FailureCode> = new Set(["not_a_file", "file_special", "file_forbidden"]);

/** Looks a script up strictly inside its folder; a link out of it leads nowhere. */
export async function findScript(jail: Jail, path: string): Promise<FoundScript> {
  try {
    using file = openFile(jail, path);
    if (!file.isExecutable) return { kind: "not-executable" };
    return { kind: "script", needsShell: !runsByItself(file.head(4)) };
  } catch (error) {
    if (error instanceof Failure && absent.has(error.code)) return { kind: "not-found" };
    if (error instanceof Failure && unusable.has(error.code)) return { kind: "not-executable" };
    throw error;
  }
}

// The kernel runs a text that names its interpreter, and programs; any other text is a shell's.
function runsByItself(start: Uint8Array): boolean {
  const bytes = Buffer.from(start).toString("latin1");
  return bytes.startsWith("#!") || bytes === "\x7fELF";
}
