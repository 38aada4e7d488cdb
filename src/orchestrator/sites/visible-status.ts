import { hasInstance, type SiteState } from "#contract/site.ts";
import type { SiteSpec } from "#contract/site-spec.ts";

/** What a site's program is doing, before what the specification says about it. */
export interface Activity {
  readonly state: Extract<SiteState, "starting" | "running" | "frozen" | "asleep" | "stopping" | "stopped" | "crashed">;
  readonly reason: string | null;
}

/** What people see: the specification comes first, for what may not run does not. */
export function visibleStatus(
  spec: Pick<SiteSpec, "availability" | "kind" | "isDedicated">,
  activity: Activity,
): { readonly state: SiteState; readonly reason: string | null } {
  if (spec.availability !== "enabled") return { state: spec.availability, reason: null };
  if (!hasInstance(spec)) return { state: "running", reason: null };
  return activity;
}

/** Whether a status says nothing that a follower has to be told at once. */
export function isAtRest(spec: Pick<SiteSpec, "kind" | "isDedicated">, state: SiteState): boolean {
  return !hasInstance(spec) || state === "asleep" || state === "not-served" || state === "disabled";
}

/** Whether the specification lets a program run at all. */
export function mayRun(spec: Pick<SiteSpec, "availability" | "kind" | "isDedicated">): boolean {
  return whyNot(spec) === null;
}

/** Why a site's program may not run, as a failure's code; null: it may. */
export function whyNot(spec: Pick<SiteSpec, "availability" | "kind" | "isDedicated">): "site_not_served" | "site_static" | null {
  if (spec.availability !== "enabled") return "site_not_served";
  return !hasInstance(spec) ? "site_static" : null;
}
