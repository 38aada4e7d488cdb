import { z } from "zod";

/** The processes that talk to each other. `shell` and `ftp` come with the doors. */
export const components = ["manager", "worker", "orchestrator", "router", "shell", "ftp"] as const;
export type Component = (typeof components)[number];

/** What a grant can allow. `site.*` verbs name one site, or `*` for every site. */
export const grantVerbs = [
  "site.apply",
  "site.remove",
  "site.run",
  "site.wake",
  "site.sleep",
  "site.status",
  "site.logs",
  "site.report",
  "site.files.read",
  "site.files.write",
  "site.deploy",
  "site.shell",
  "run.start",
  "run.read",
  "platform.read",
  "platform.epochs",
  "route.read",
  "route.hold",
  "route.feed",
  "door.open",
] as const;
export type GrantVerb = (typeof grantVerbs)[number];

/**
 * The claims of a token that one process sends to another: signed by the manager (Ed25519) for calls to the
 * orchestrator and the router; signed by the component's own key (HS256) for calls to the manager.
 */
export const grantClaims = z.object({
  /** Who may accept it. */
  aud: z.enum(components),
  /** Which process carries it. */
  sub: z.enum(components),
  /** The number of the one site it is for, 0 for the installation's home folder; `*` for all. */
  site: z.union([z.int().nonnegative(), z.literal("*")]),
  verbs: z.array(z.enum(grantVerbs)).min(1),
  /** The person on whose behalf, when there is one. */
  user: z.int().positive().optional(),
  /** As whom and from where that person asks: what is done is noted with it, at whichever door. */
  by: z.object({ name: z.string().max(200), door: z.string().max(20), address: z.string().max(100).nullable() }).optional(),
  /** The site's and the person's epoch when it was signed; refused when a later one is known. */
  siteEpoch: z.int().nonnegative().optional(),
  userEpoch: z.int().nonnegative().optional(),
  /** Seconds since 1970. */
  iat: z.int(),
  exp: z.int(),
});
export type GrantClaims = z.output<typeof grantClaims>;

/** How long an ordinary grant is good for, in seconds. */
export const grantLifetimeSeconds = 60;
/** How long the router's wake-only grant is good for, in seconds: it bridges the manager's absence. */
export const wakeGrantLifetimeSeconds = 24 * 60 * 60;
