import { z } from "zod";
import { type FileVersion, versionEnds } from "#contract/api/files.ts";

/** Who did something to a file, as far as it is kept beside a version. */
export const author = z.object({ username: z.string(), door: z.string() });
export type Author = z.output<typeof author>;

const time = z.string();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** A line of a site's history. */
export const historyLine = z.discriminatedUnion("kind", [
  /** Content that a file had until it was replaced or deleted. */
  z.object({
    kind: z.literal("version"),
    id: z.string(),
    path: z.string(),
    sha256,
    size: z.int().nonnegative(),
    executable: z.boolean(),
    modifiedAt: time,
    savedBy: author.nullable(),
    endedAt: time,
    ended: z.enum(versionEnds),
    endedBy: author.nullable(),
  }),
  /** Somebody gave a file the content that it has now. */
  z.object({ kind: z.literal("saved"), path: z.string(), sha256, by: author }),
  /** A file or a folder went elsewhere, and its versions with it. */
  z.object({ kind: z.literal("moved"), from: z.string(), to: z.string() }),
  /** Folders that went with a deletion and that none of the versions kept then lies in. */
  z.object({ kind: z.literal("folders"), paths: z.array(z.string()), endedAt: time }),
]);
export type HistoryLine = z.output<typeof historyLine>;
export type VersionLine = Extract<HistoryLine, { kind: "version" }>;

/** A version as it is shown. */
export function versionOf(line: VersionLine): FileVersion {
  const { kind: _, ...version } = line;
  return version;
}

/** Reads a line; undefined when a crash cut it in half or it is not ours. */
export function parseLine(text: string): HistoryLine | undefined {
  try {
    return historyLine.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
