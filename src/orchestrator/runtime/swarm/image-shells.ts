import type Docker from "dockerode";
import { Failure } from "#contract/failure.ts";
import { statusOf } from "./engine.ts";

/** Which images have the shell that runs, terminals and commands are started by. */
export class ImageShells {
  readonly #known = new Set<string>();

  /**
   * Looks into a container that was made and not started yet, once for each image: one without a shell would end at once, and nobody would hear why.
   * @throws {Failure} `image_unusable`
   */
  async demand(container: Pick<Docker.Container, "infoArchive">, image: string): Promise<void> {
    if (this.#known.has(image)) return;
    try {
      await container.infoArchive({ path: "/bin/sh" });
    } catch (error) {
      if (statusOf(error) !== 404) throw error;
      throw new Failure("image_unusable", { image, reason: "it has no shell (/bin/sh)." }, { cause: error });
    }
    this.#known.add(image);
  }
}
