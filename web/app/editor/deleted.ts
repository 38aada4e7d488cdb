import type { FileVersion } from "#contract/api/files.ts";
import { isAtOrBelow } from "./tabs.ts";

/** Which versions were deleted with a file or folder since a moment, in milliseconds since 1970. */
export function deletedTogether(versions: readonly FileVersion[], place: string, since: number): readonly FileVersion[] {
  return versions.filter((version) => version.ended === "delete" && isAtOrBelow(version.path, place) && Date.parse(version.endedAt) >= since);
}
