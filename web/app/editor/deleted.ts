import type { DeletedFolder, FileVersion } from "#contract/api/files.ts";
import { isAtOrBelow } from "./tabs.ts";

/** Which versions were deleted with a file or folder since a moment, in milliseconds since 1970. */
export function deletedTogether(versions: readonly FileVersion[], place: string, since: number): readonly FileVersion[] {
  return versions.filter((version) => version.ended === "delete" && isAtOrBelow(version.path, place) && Date.parse(version.endedAt) >= since);
}

/** The empty folders that went with a folder. */
export function foldersDeletedTogether(folders: readonly DeletedFolder[], place: string, since: number): readonly string[] {
  return folders.filter((folder) => isAtOrBelow(folder.path, place) && Date.parse(folder.endedAt) >= since).map(({ path }) => path);
}
