import { Failure } from "#contract/failure.ts";
import { parseSitePath } from "#contract/site-path.ts";
import { isReservedName } from "#kit/jail/temporary-name.ts";
import { belowSite } from "#kit/jail/walk-path.ts";

/** The head of a tar entry, as the tar library reads it. */
export interface TarHeader {
  readonly name: string;
  readonly type?: string | null | undefined;
  readonly mode?: number | undefined;
  readonly size?: number | undefined;
  readonly linkname?: string | null | undefined;
}

/** What an entry asks for; `copy` is a hard link to an earlier file of the archive, which becomes a file of its own. */
export type ArchiveEntry =
  | { readonly kind: "folder"; readonly path: string }
  | { readonly kind: "file"; readonly path: string; readonly executable: boolean; readonly size: number }
  | { readonly kind: "link"; readonly path: string; readonly target: string }
  | { readonly kind: "copy"; readonly path: string; readonly of: string };

const runFiles = new Set(["run.sh", "private/run.sh", "public/run.sh"]);
const maxTargetBytes = 4000;

/**
 * Judges one entry. A leading `./` is fine (`tar -C DIR .` writes it); `.home/` and dotfiles are too. Modes shrink to
 * executable or not; `run.sh` always is.
 * @throws {Failure} `archive_unsafe` for paths and links that leave the site, devices and the platform's own names.
 */
export function judgeEntry(header: TarHeader): ArchiveEntry {
  const path = entryPath(header.name, header.name);
  if (header.type === "directory") return { kind: "folder", path };
  if (path === "") throw unsafe(header.name, "it has no name");
  if (header.type === "file" || header.type === "contiguous-file" || header.type === undefined) {
    const executable = runFiles.has(path) || ((header.mode ?? 0) & 0o111) !== 0;
    return { kind: "file", path, executable, size: header.size ?? 0 };
  }
  if (header.type === "symlink") return { kind: "link", path, target: linkTarget(path, header.linkname ?? "") };
  if (header.type === "link") return { kind: "copy", path, of: entryPath(header.linkname ?? "", header.name) };
  throw unsafe(header.name, "only files, folders and links can be in a site");
}

function entryPath(name: string, shown: string): string {
  const bare = name.replace(/^\.\//, "").replace(/\/$/, "");
  if (bare === "" || bare === ".") return "";
  if (bare.includes("\ufffd")) throw unsafe(shown, "its name is not valid UTF-8");
  try {
    const segments = parseSitePath(bare);
    if (segments.some(isReservedName)) throw unsafe(shown, "the name is the platform's own");
    return bare;
  } catch (cause) {
    if (!(cause instanceof Failure) || cause.code !== "path_invalid") throw cause;
    throw unsafe(shown, String(cause.details.reason), cause);
  }
}

function linkTarget(path: string, target: string): string {
  if (target === "" || target.includes("\0") || Buffer.byteLength(target) > maxTargetBytes) throw unsafe(path, "the link has no usable target");
  const inside = target.startsWith("/") ? belowSite(target) : target;
  let depth = target.startsWith("/") ? 0 : path.split("/").length - 1;
  for (const part of inside?.split("/") ?? [".."]) {
    if (part === "..") depth -= 1;
    else if (part !== "" && part !== ".") depth += 1;
    if (depth < 0) throw unsafe(path, "the link leads out of the site");
  }
  return target;
}

/** The failure for an entry that is not allowed. */
export function unsafe(path: string, reason: string, cause?: unknown): Failure {
  return new Failure("archive_unsafe", { path: path.slice(0, 200), reason }, cause === undefined ? {} : { cause });
}
