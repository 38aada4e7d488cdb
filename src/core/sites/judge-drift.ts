import type { Site } from "./site.ts";

/** What has to be done for a site: nothing, tell the orchestrator, or take an unfinished creation or deletion up again. */
export type Drift = "none" | "apply" | "create" | "delete";

/** Compares a site with the revision that the orchestrator holds (undefined: it knows nothing of it). Asleep is as good as running. */
export function judgeDrift(site: Pick<Site, "lifecycle" | "revision">, heldRevision: number | undefined): Drift {
  if (site.lifecycle === "creating") return "create";
  if (site.lifecycle === "deleting") return "delete";
  return heldRevision === undefined || heldRevision < site.revision ? "apply" : "none";
}
