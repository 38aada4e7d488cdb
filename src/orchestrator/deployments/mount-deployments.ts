import type { FastifyInstance } from "fastify";
import type { GrantClaims } from "#contract/grant.ts";
import * as endpoints from "#contract/internal/orchestrator.ts";
import { type Guard, mount } from "#kit/http/mount.ts";
import { announcedBytes, bodyOf } from "../files/incoming-body.ts";
import type { QuotaBook } from "../files/quota-book.ts";
import { jailOf, type SiteShelf } from "../files/site-shelf.ts";
import type { Deployments } from "./deployments.ts";
import { placeStarter } from "./place-starter.ts";

/** What the endpoints of deployments need. */
export interface MountDeploymentsDeps {
  readonly sites: SiteShelf;
  readonly quota: QuotaBook;
  readonly deployments: Deployments;
  /** Where a starter's files are. @throws {Failure} `starter_not_found` */
  starterFolder(name: string): string;
}

/** Serves uploads, deployments and starters. */
export function mountDeployments(app: FastifyInstance, guard: Guard<GrantClaims>, deps: MountDeploymentsDeps): void {
  const { deployments } = deps;
  mount({ app, guard }, endpoints.uploadArchive, ({ params, request }) =>
    deployments.upload(params.siteId, params.uploadId, { source: bodyOf(request.raw), expectedBytes: announcedBytes(request.raw) }),
  );
  mount({ app, guard }, endpoints.unpackUpload, ({ params }) => deployments.unpack(params.siteId, params.uploadId));
  mount({ app, guard }, endpoints.placeDeployment, ({ params }) => deployments.place(params.siteId, params.uploadId));
  mount({ app, guard }, endpoints.placeStarter, async ({ params, body }) => {
    const jail = jailOf(deps.sites, params.siteId);
    const folder = deps.starterFolder(body.starter);
    await deployments.exclusively(params.siteId, () => placeStarter(jail, folder));
    deps.quota.doubt(params.siteId);
    return undefined;
  });
}
