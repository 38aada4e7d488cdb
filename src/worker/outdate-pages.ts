import type { OperationKind } from "#contract/api/views.ts";
import type { StepAction } from "#core/operations/operation-runner.ts";
import type { StepName } from "#core/operations/plan.ts";
import type { ReconcilerSiteStore } from "#core/sites/site-store.ts";
import type { RouterPool } from "./router-pool.ts";

/** When one of these has ended, visitors reach a program that may answer otherwise than the one before. */
const renewing: readonly StepName[] = ["refresh", "switch", "release"];
/** A program that only slept, or went elsewhere, answers as before: what is kept of it stays. */
const harmless: readonly OperationKind[] = ["sleep", "wake", "move"];

/** The steps, those that renew a program with one more thing to do: routers forget what the earlier one answered. */
export function outdatingPages(
  deps: { readonly sites: Pick<ReconcilerSiteStore, "outdatePages">; readonly routers: Pick<RouterPool, "publish"> },
  steps: Readonly<Record<StepName, StepAction>>,
): Readonly<Record<StepName, StepAction>> {
  const outdating = { ...steps };
  for (const name of renewing) {
    outdating[name] = async (operation, signal) => {
      const note = await steps[name](operation, signal);
      if (operation.siteId === null || harmless.includes(operation.kind)) return note;
      const version = await deps.sites.outdatePages(operation.siteId);
      return (version === null ? undefined : await deps.routers.publish(version, signal)) ?? note;
    };
  }
  return outdating;
}
