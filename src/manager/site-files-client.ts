import type { FastifyRequest } from "fastify";
import type { Client } from "#contract/client.ts";
import { Failure } from "#contract/failure.ts";
import { parseUrlPath } from "#contract/site-path.ts";
import type { Behalf, ComponentClient } from "#kit/component-client.ts";
import type { SiteCaller } from "./callers.ts";

/** As whom and from where a person asks for something of a site: signed into the grant, and noted with whatever it does. */
export function behalfOf({ actor, site }: SiteCaller): Behalf {
  const by = { name: actor.user.username, door: actor.door, address: actor.address };
  return { user: actor.user.id, userEpoch: actor.user.epoch, siteEpoch: site.epoch, by };
}

/** The orchestrator's files of a site, for this person. */
export function siteFilesClient(orchestrator: ComponentClient, caller: SiteCaller): Client {
  return orchestrator.on(behalfOf(caller));
}

// By its place and not by its name: a site may be called `files`, and a letter may be written as `%66`. Clients may send the whole address, as to a proxy.
const beforePath = /^(?:https?:\/\/[^/]*)?(?:\/[^/]*){5}\//i;

/** The rest of the address after `/api/v1/sites/NAME/files/` or `…/history/`: raw, so that an encoded slash never becomes a separator. */
export function sitePathOf(request: { readonly raw: Pick<FastifyRequest["raw"], "url"> }): { readonly path: string; readonly isFolder: boolean } {
  const address = (request.raw.url ?? "").split("?")[0] ?? "";
  return parseUrlPath(address.replace(beforePath, ""));
}

/** If-Match and If-None-Match as the orchestrator wants them. */
export function guardOf(request: FastifyRequest, path: string): { readonly expect?: string; readonly absent?: boolean } {
  if (request.headers["if-none-match"]?.trim() === "*") return { absent: true };
  const match = request.headers["if-match"]?.trim();
  if (match === undefined) return {};
  const sha256 = /^"([0-9a-f]{64})"$/.exec(match)?.[1];
  // Anything else cannot be the ETag of a file here, so that the file is not the one the caller knows.
  if (sha256 === undefined) throw new Failure("file_changed", { path });
  return { expect: sha256 };
}
