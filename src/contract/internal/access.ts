import { z } from "zod";
import { endpoint } from "../endpoint.ts";

// After a site's epoch grew: what is open there belongs mostly to people whom the change does not concern.
const access = { kind: "component", callers: ["manager"], verb: "platform.epochs" } as const;

/** Somebody's access to a site, under which something is open that waits for a renewal. */
export const staleAccess = z.object({ site: z.int().nonnegative(), user: z.int().positive() });
export type StaleAccess = z.output<typeof staleAccess>;

/** What somebody may do in a site now; no verbs: nothing. */
export const accessRenewal = staleAccess.extend({
  siteEpoch: z.int().nonnegative(),
  userEpoch: z.int().nonnegative(),
  /** As a grant names them; what needs another one closes. */
  verbs: z.array(z.string().max(40)).max(40),
});
export type AccessRenewal = z.output<typeof accessRenewal>;

export const listStaleAccess = endpoint({
  id: "access.stale",
  method: "GET",
  path: "/v1/access/stale",
  summary: "Whose terminals, commands and streams were opened under an earlier epoch of their site and close within two seconds unless they are renewed",
  access,
  result: z.object({ stale: z.array(staleAccess) }),
  status: 200,
});

export const renewAccess = endpoint({
  id: "access.renew",
  method: "POST",
  path: "/v1/access/renewals",
  summary: "What these people may do in their sites now: what they have open goes on under the later epoch, or closes at once",
  access,
  body: z.strictObject({ renewals: z.array(accessRenewal).max(10_000) }),
  status: 204,
});

export const accessEndpoints = [listStaleAccess, renewAccess] as const;
