import { z } from "zod";
import { endpoint } from "../endpoint.ts";
import { siteId, siteStatus } from "../site.ts";

/** Names a router as long as it runs; one that is started again has another. */
export const routerKey = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);
const instanceKey = z.string().max(64);

/** What became of a program that a router lets go. */
export const restOutcomes = [
  /** It stands still, or does not run any more: whoever wants it wakes it. */
  "rests",
  /** Another router sends visitors to it: it rests when that one lets it go, too. */
  "shared",
  /** It cannot be frozen now: the router goes on with it. */
  "runs",
] as const;

export type RestOutcome = (typeof restOutcomes)[number];

export const freezeSite = endpoint({
  id: "site.freeze",
  method: "POST",
  path: "/v1/sites/:siteId/freeze",
  summary:
    "A router sends nothing more to this instance and nothing is in flight: freeze it once every other router has let it go, and stop it when it has rested for long",
  access: { kind: "component", callers: ["router"], verb: "site.sleep" },
  params: z.object({ siteId }),
  body: z.strictObject({
    instance: instanceKey,
    router: routerKey,
    /** How much longer it may rest before it is stopped; the orchestrator may stop it sooner to have its memory. */
    sleepAfterSeconds: z
      .number()
      .min(0)
      .max(100 * 86_400),
  }),
  result: z.object({ outcome: z.enum(restOutcomes), status: siteStatus }),
  status: 200,
});

/** How often a router says to which instances it sends, and for how long that holds. */
export const claimEverySeconds = 15;
export const claimHoldsSeconds = 60;

export const claimInstances = endpoint({
  id: "site.instances.claim",
  method: "PUT",
  path: "/v1/routers/:router/instances",
  summary:
    "All the instances that this router sends visitors to: none of them is frozen for the sake of another router; answers which of them rest or are gone",
  access: { kind: "component", callers: ["router"], verb: "site.sleep" },
  params: z.object({ router: routerKey }),
  body: z.strictObject({ instances: z.array(z.tuple([z.int().positive(), instanceKey])).max(20_000) }),
  bodyLimitBytes: 2_000_000,
  result: z.object({ lost: z.array(z.tuple([z.int().positive(), instanceKey])) }),
  status: 200,
});

export const siteRestEndpoints = [freezeSite, claimInstances] as const;
