import type { FastifyInstance } from "fastify";
import type { GrantClaims } from "#contract/grant.ts";
import { listStaleAccess, renewAccess } from "#contract/internal/access.ts";
import type { EpochTable } from "#kit/epochs.ts";
import { type Guard, mount } from "#kit/http/mount.ts";

/** Lets the manager say who may go on with what they have open when the access to a site has changed. */
export function mountAccess(app: FastifyInstance, guard: Guard<GrantClaims>, epochs: EpochTable): void {
  mount({ app, guard }, listStaleAccess, async () => ({ stale: [...epochs.stale()] }));
  mount({ app, guard }, renewAccess, async ({ body }) => {
    for (const renewal of body.renewals) epochs.renew(renewal);
    return undefined;
  });
}
