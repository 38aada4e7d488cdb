import { Failure, type FailureCode } from "#contract/failure.ts";
import { codeOf } from "./descriptor.ts";

const codes: Readonly<Record<string, FailureCode>> = {
  ENOENT: "file_not_found",
  ENOTDIR: "not_a_folder",
  EISDIR: "not_a_file",
  EEXIST: "file_exists",
  ENOTEMPTY: "folder_not_empty",
  ENOSPC: "disk_full",
  EDQUOT: "disk_full",
  ENXIO: "file_special",
  ENODEV: "file_special",
  EACCES: "file_forbidden",
  EPERM: "file_forbidden",
  EROFS: "file_forbidden",
  ETXTBSY: "file_forbidden",
  // Only a final link that appeared after the path had been resolved: somebody swaps entries under us.
  ELOOP: "path_outside_site",
};

/** Turns what the system said about a path into a failure for people; anything unforeseen stays what it is, a bug. */
export function faultOf(error: unknown, path: string): unknown {
  if (error instanceof Failure) return error;
  const code = codeOf(error);
  const cause = { cause: error };
  if (code === "ENAMETOOLONG") return new Failure("path_invalid", { path: path.slice(0, 200), reason: "a name in it is too long for this disk" }, cause);
  const known = codes[code];
  return known === undefined ? error : new Failure(known, { path: path === "" ? "the site's folder" : path }, cause);
}

/** Does something with a path and translates what goes wrong. */
export function translated<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw faultOf(error, path);
  }
}

/** The same for something that takes time. */
export async function translatedAsync<T>(path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw faultOf(error, path);
  }
}
