import { Failure } from "#contract/failure.ts";
import type { ComponentClient } from "#kit/component-client.ts";

const askMs = 3_000;

/** Asks every router; "away" stands for those that do not answer within `mostMs`. Throws what any other says that it cannot. */
export function askRouters<T>(
  routers: readonly ComponentClient[],
  ask: (router: ComponentClient, signal: AbortSignal) => Promise<T>,
  mostMs = askMs,
): Promise<readonly (T | "away")[]> {
  return Promise.all(
    routers.map((router) =>
      ask(router, AbortSignal.timeout(mostMs)).catch((error: unknown) => {
        const isSilent = error instanceof Error && error.name === "TimeoutError";
        if (isSilent || (error instanceof Failure && error.code === "component_away")) return "away" as const;
        throw error;
      }),
    ),
  );
}
