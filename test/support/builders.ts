import { defaultSiteLimits } from "#contract/site.ts";
import { defaultSiteCache } from "#contract/site-cache.ts";
import type { Actor, User } from "#core/accounts/user.ts";
import { type ActorSite, defaultSiteSettings, type Site } from "#core/sites/site.ts";

const at = new Date("2026-11-21T12:00:00Z");

/** A site with whatever the test cares about. */
export function site(changes: Partial<Site> = {}): Site {
  return {
    id: 1,
    name: "chess",
    kind: "static",
    purpose: "project",
    description: "",
    availability: "enabled",
    availabilityReason: "",
    limits: defaultSiteLimits,
    settings: defaultSiteSettings,
    isDedicated: false,
    egress: "none",
    cache: defaultSiteCache,
    cacheGeneration: 0,
    revision: 1,
    epoch: 0,
    lifecycle: "active",
    nodeId: null,
    placement: 0,
    isTakenOver: false,
    imageId: null,
    isOwnedByAdministrator: false,
    createdAt: at,
    updatedAt: at,
    ...changes,
  };
}

/** A site as one of its owners sees it. */
export function actorSite(changes: Partial<ActorSite> = {}): ActorSite {
  return { ...site(changes), role: "owner", ...changes };
}

/** A person with whatever the test cares about. */
export function user(changes: Partial<User> = {}): User {
  return { id: 1, username: "ada", role: "member", isActive: true, epoch: 0, createdAt: at, ...changes };
}

/** Someone asking from a browser. */
export function actor(changes: Partial<User> = {}): Actor {
  return { user: user(changes), scopes: ["full"], door: "web", address: "192.0.2.1" };
}
