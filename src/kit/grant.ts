import { type CryptoKey, importJWK, type JWK, jwtVerify, SignJWT } from "jose";
import { LRUCache } from "lru-cache";
import { Failure } from "#contract/failure.ts";
import { type Component, type GrantClaims, grantClaims, grantLifetimeSeconds } from "#contract/grant.ts";

/** What a grant says, but for the times, which signing adds. */
export type GrantRequest = Omit<GrantClaims, "iat" | "exp">;

/** Signs grants for calls between processes. */
export interface GrantSigner {
  /** A token for `Authorization: Bearer`; good for a minute unless told otherwise. */
  sign(request: GrantRequest, lifetimeSeconds?: number): Promise<string>;
}

/** Checks a token's signature and times; what it allows is for the caller to judge. */
export type GrantVerifier = (token: string) => Promise<GrantClaims>;

/** A signer with the manager's private key (Ed25519) or a component's own secret (32 bytes, HS256). */
export async function createSigner(key: JWK | Uint8Array): Promise<GrantSigner> {
  const { secret, alg } = await keyOf(key);
  return {
    sign: async (request, lifetimeSeconds = grantLifetimeSeconds) => {
      const now = Math.floor(Date.now() / 1000);
      return new SignJWT({ ...request })
        .setProtectedHeader({ alg })
        .setIssuedAt(now)
        .setExpirationTime(now + lifetimeSeconds)
        .sign(secret);
    },
  };
}

/** The clocks of several hosts differ. */
const toleranceSeconds = 60;

/** A verifier with the manager's public key or a component's own secret. */
export async function createVerifier(key: JWK | Uint8Array): Promise<GrantVerifier> {
  const { secret, alg } = await keyOf(key);
  const verified = new LRUCache<string, GrantClaims>({ max: 1_000 });
  return async (token) => {
    // The same bytes have the same signature; only time goes on.
    const known = verified.get(token);
    if (known !== undefined && Date.now() / 1000 < known.exp + toleranceSeconds) return known;
    try {
      const { payload } = await jwtVerify(token, secret, { algorithms: [alg], clockTolerance: toleranceSeconds });
      const claims = grantClaims.parse(payload);
      verified.set(token, claims);
      return claims;
    } catch (cause) {
      throw new Failure("grant_refused", {}, { cause });
    }
  };
}

/** Whether a grant covers a call: the right audience, caller, verb and site. Pure; epochs are judged by `EpochTable`. */
export function grantCovers(
  claims: GrantClaims,
  asked: { readonly audience: Component; readonly callers: readonly Component[]; readonly verb: string; readonly siteId?: number | undefined },
): boolean {
  if (claims.aud !== asked.audience || !asked.callers.includes(claims.sub)) return false;
  if (!claims.verbs.some((verb) => verb === asked.verb)) return false;
  return claims.site === "*" || claims.site === asked.siteId;
}

async function keyOf(key: JWK | Uint8Array): Promise<{ secret: CryptoKey | Uint8Array; alg: string }> {
  if (key instanceof Uint8Array) return { secret: key, alg: "HS256" };
  return { secret: await importJWK(key, "EdDSA"), alg: "EdDSA" };
}
