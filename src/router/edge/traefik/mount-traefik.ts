import { createHash, timingSafeEqual } from "node:crypto";
import type { FastifyInstance } from "fastify";
import { Failure } from "#contract/failure.ts";
import { type TraefikPlan, traefikConfig } from "./dynamic-config.ts";

/** What the address of Traefik's HTTP provider needs. */
export interface TraefikProvider extends Omit<TraefikPlan, "routes"> {
  /** What Traefik has to bring as a bearer token. */
  readonly token: string;
  readonly routes: () => TraefikPlan["routes"];
  /** Where this router listens for visitors, when no activators are listed. */
  readonly ownAddress: () => string;
}

/** Serves Traefik's dynamic configuration: `providers.http` polls it. */
export function mountTraefik(app: FastifyInstance, provider: TraefikProvider): void {
  app.get("/v1/traefik", async (request, reply) => {
    if (!isToken(request.headers.authorization, provider.token)) throw new Failure("not_signed_in");
    void reply.header("cache-control", "no-store");
    const activators = provider.activators.length > 0 ? provider.activators : [provider.ownAddress()];
    return traefikConfig({ ...provider, activators, routes: provider.routes() });
  });
}

// Compared as digests: their length says nothing of the token's.
function isToken(header: string | undefined, token: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(header ?? ""), digest(`Bearer ${token}`));
}
