import type { SiteState } from "#contract/site.ts";
import type { SiteSpec } from "#contract/site-spec.ts";

/** What a site's program is doing, before what the specification says about it. */
export interface Activity {
  readonly state: Extract<SiteState, "starting" | "running" | "frozen" | "asleep" | "stopping" | "stopped" | "crashed">;
  readonly reason: string | null;
}

/** What people see: the specification comes first, for what may not run does not. */
export function visibleStatus(
  spec: Pick<SiteSpec, "availability" | "kind">,
  activity: Activity,
): { readonly state: SiteState; readonly reason: string | null } {
  if (spec.availability !== "enabled") return { state: spec.availability, reason: null };
  if (spec.kind === "static") return { state: "running", reason: null };
  return activity;
}

/** Whether a status says nothing that a follower has to be told at once. */
export function isAtRest(spec: Pick<SiteSpec, "kind">, state: SiteState): boolean {
  return spec.kind === "static" || state === "asleep" || state === "not-served" || state === "disabled";
}

/** Whether the specification lets a program run at all. */
export function mayRun(spec: Pick<SiteSpec, "availability" | "kind">): boolean {
  return whyNot(spec) === null;
}

/** Why a site's program may not run, as a failure's code; null: it may. */
export function whyNot(spec: Pick<SiteSpec, "availability" | "kind">): "site_not_served" | "site_static" | null {
  if (spec.availability !== "enabled") return "site_not_served";
  return spec.kind === "static" ? "site_static" : null;
}
