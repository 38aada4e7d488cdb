import { posix } from "node:path";
import type Docker from "dockerode";
import { Failure } from "#contract/failure.ts";
import { statusOf } from "./engine.ts";

/** Each is memory of the kernel, even when it is empty. */
const mostVolumes = 32;
/** The kernel's own. */
const reserved = ["/proc", "/sys", "/dev"];

/** An image, and the folders that it declares as volumes. */
export interface ImageVolumes {
  readonly image: string;
  readonly volumes: readonly string[];
}

/** The folders that an image keeps outside of itself (`VOLUME`). @throws {Failure} `image_unusable` when this engine does not have the image. */
export async function declaredVolumes(docker: Pick<Docker, "getImage">, image: string): Promise<readonly string[]> {
  try {
    const { Config: config } = await docker.getImage(image).inspect();
    return Object.keys(config.Volumes ?? {});
  } catch (error) {
    if (statusOf(error) !== 404) throw error;
    throw new Failure("image_unusable", { image, reason: "it is not on this machine." }, { cause: error });
  }
}

/**
 * Those that need memory of their own, since the engine would make a folder of its disk for each, without bound: where `targets` stand, which are
 * ours, it makes none. @throws {Failure} `image_unusable` when one would hide what is the site's or the kernel's.
 */
export function coveredVolumes(
  { image, volumes }: ImageVolumes,
  targets: { readonly folders: readonly string[]; readonly memory: readonly string[] },
): readonly string[] {
  const paths = [...new Set(volumes.map((path) => posix.resolve("/", path)))].toSorted();
  const covered = paths.filter((path) => ![...targets.folders, ...targets.memory].includes(path));
  const refuse = (reason: string): never => {
    throw new Failure("image_unusable", { image, reason: `${reason}.` });
  };
  if (covered.length > mostVolumes) refuse(`it declares ${covered.length} volumes (VOLUME), and ${mostVolumes} are the most`);
  for (const path of covered) {
    const hidden = path === "/" ? "/" : [...targets.folders, ...reserved].find((folder) => path === folder || path.startsWith(`${folder}/`));
    if (hidden !== undefined) refuse(`it declares ${path} as a volume (VOLUME), which would hide what is in ${hidden}`);
  }
  return covered;
}
