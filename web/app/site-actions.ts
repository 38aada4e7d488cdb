import type { SiteAvailability, SiteKind, SiteState } from "#contract/site.ts";
import type { SiteAction } from "./data-sites.ts";

/** What can be done with a site's program in its present state, the likeliest first. */
export function actionsFor(site: { readonly kind: SiteKind; readonly state: SiteState; readonly availability: SiteAvailability }): readonly SiteAction[] {
  if (site.kind === "static" || site.availability === "disabled") return [];
  switch (site.state) {
    case "running":
    // It goes on by itself: there is nothing to start.
    case "frozen":
      return ["restart", "sleep"];
    case "asleep":
    case "stopped":
      return ["wake"];
    case "crashed":
      return ["restart"];
    case "starting":
      return ["restart", "sleep"];
    case "stopping":
      return [];
    case "not-served":
      return [];
    case "disabled":
      return [];
  }
}
