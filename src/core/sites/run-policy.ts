import { Failure } from "#contract/failure.ts";
import type { Capabilities } from "#contract/internal/orchestrator.ts";

/** Who may run programs where sites cannot be kept apart. */
export interface RunPolicy {
  /** A setting of the installation; without it only administrators may. */
  readonly mayEveryoneRunUnisolated: boolean;
}

/** Whether someone may run programs on this machine. While the orchestrator is away nothing is refused: it judges again itself. */
export function canRun(policy: RunPolicy, capabilities: Capabilities | null, isAdministrator: boolean): boolean {
  return capabilities === null || capabilities.isolates || isAdministrator || policy.mayEveryoneRunUnisolated;
}

/** @throws {Failure} `isolation_missing`. */
export function demandCanRun(policy: RunPolicy, capabilities: Capabilities | null, isAdministrator: boolean): void {
  if (!canRun(policy, capabilities, isAdministrator)) throw new Failure("isolation_missing", { missing: capabilities?.missing ?? [] });
}
