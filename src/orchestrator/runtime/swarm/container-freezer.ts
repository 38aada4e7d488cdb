import type Docker from "dockerode";
import { Failure } from "#contract/failure.ts";
import type { ContainerWatch } from "./container-watch.ts";
import { isAway, statusOf } from "./engine.ts";
import type { ContainerFreezer } from "./swarm-instance.ts";
import type { SwarmMachine } from "./swarm-machine.ts";

/** What halts a site's container and lets it go on. */
export function freezerOf(
  { docker, whenThere }: Pick<SwarmMachine, "docker" | "whenThere">,
  containerId: string,
  watch: Pick<ContainerWatch, "look" | "hasEnded">,
): ContainerFreezer {
  const unpause = async (engine: Docker): Promise<{ readonly hasEnded: boolean }> => {
    try {
      await engine.getContainer(containerId).unpause();
      return { hasEnded: false };
    } catch (error) {
      unlessDone(error);
      // An engine that was killed ends what it finds when it comes back, paused or not.
      await watch.look();
      return { hasEnded: watch.hasEnded };
    }
  };
  return {
    freeze: async () => {
      await docker.getContainer(containerId).pause().catch(unlessDone);
    },
    thaw: ({ waits }) => (waits ? whenThere(unpause) : unpause(docker)).catch(asStuck),
  };
}

function unlessDone(error: unknown): void {
  // 404 and 409: it has ended, or is in that state already. A busy engine may take a container that it has just let go on for a paused one.
  const isDone = [404, 409, 304].includes(statusOf(error) ?? 0);
  if (!isDone && !(error instanceof Error && /is already paused|is not paused|is not running|cannot resume a running process/.test(error.message))) throw error;
}

/** For a `catch`: an engine that answers, and does not do it, is told in its words. */
function asStuck(error: unknown): never {
  if (error instanceof Failure || isAway(error)) throw error;
  const words = error instanceof Error ? error.message : String(error);
  throw new Failure("program_stuck", { reason: `${words.trim().slice(0, 300)}.` }, { cause: error });
}
