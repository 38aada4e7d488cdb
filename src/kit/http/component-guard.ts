import { Failure } from "#contract/failure.ts";
import type { Component, GrantClaims } from "#contract/grant.ts";
import type { EpochTable } from "../epochs.ts";
import { type GrantVerifier, grantCovers } from "../grant.ts";
import type { Guard } from "./mount.ts";

/** A guard for calls between processes: 401 without a token, 403 unless the grant covers exactly this endpoint and site. */
export function componentGuard(deps: { readonly audience: Component; readonly verify: GrantVerifier; readonly epochs?: EpochTable }): Guard<GrantClaims> {
  return async (shape, request) => {
    if (shape.access.kind !== "component") throw new Error(`${shape.id} is not for components`);
    const header = request.headers.authorization;
    if (header === undefined || !header.startsWith("Bearer ")) throw new Failure("not_signed_in");
    const claims = await deps.verify(header.slice("Bearer ".length));
    const siteId = siteIdOf(request.params);
    const covers = grantCovers(claims, { audience: deps.audience, callers: shape.access.callers, verb: shape.access.verb, siteId });
    if (!covers || deps.epochs?.isStale(claims, siteId)) throw new Failure("grant_refused");
    return claims;
  };
}

function siteIdOf(params: unknown): number | undefined {
  if (typeof params !== "object" || params === null || !("siteId" in params)) return undefined;
  const id = Number(params.siteId);
  return Number.isSafeInteger(id) ? id : undefined;
}
