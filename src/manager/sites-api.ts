import { randomUUID } from "node:crypto";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { listMembers, removeMember, setMember } from "#contract/api/members.ts";
import { listSiteOperations } from "#contract/api/operations.ts";
import * as api from "#contract/api/sites.ts";
import { operationView } from "#contract/api/views.ts";
import { Failure } from "#contract/failure.ts";
import { readSiteStatus } from "#contract/internal/orchestrator.ts";
import { hasInstance, type SiteEgress, type SiteStatus } from "#contract/site.ts";
import type { UserStore } from "#core/accounts/user-store.ts";
import type { AuditStore } from "#core/audit/audit-store.ts";
import type { ImageStore } from "#core/images/image-store.ts";
import type { Fleet } from "#core/nodes/fleet.ts";
import type { OperationStore } from "#core/operations/operation-store.ts";
import { deleteSite, runSite } from "#core/sites/change-site.ts";
import { createSite } from "#core/sites/create-site.ts";
import type { RunPolicy } from "#core/sites/run-policy.ts";
import { setMember as makeMember } from "#core/sites/set-member.ts";
import type { SiteStore } from "#core/sites/site-store.ts";
import { environmentVersion, updateSite, writeEnvironment } from "#core/sites/update-site.ts";
import type { ComponentClient } from "#kit/component-client.ts";
import { Answer, mount } from "#kit/http/mount.ts";
import type { Seal } from "#kit/seal.ts";
import type { Note } from "./audit-trail.ts";
import type { SiteCaller } from "./callers.ts";
import type { OrchestratorMirror } from "./orchestrator-mirror.ts";
import type { personGuards } from "./person-guard.ts";
import { auditViewOf, operationViewOf, siteViewOf, statusOf } from "./views.ts";

/** What the sites' endpoints need. */
export interface SitesDeps {
  readonly guards: ReturnType<typeof personGuards>;
  readonly sites: SiteStore;
  readonly users: UserStore;
  readonly operations: OperationStore;
  readonly audit: AuditStore;
  readonly mirror: OrchestratorMirror;
  readonly fleet: Pick<Fleet, "placeNew">;
  readonly images: ImageStore;
  readonly orchestrator: ComponentClient;
  readonly runPolicy: RunPolicy;
  readonly seal: Seal;
  readonly siteLimit: number;
  readonly awakeLimit: number;
  readonly siteEgress: SiteEgress;
  readonly sitePattern: string;
  readonly note: Note;
}

/** Serves sites, their settings, members and history. */
export function mountSites(app: FastifyInstance, deps: SitesDeps): void {
  mountSite(app, deps);
  mountChanges(app, deps);
  mountEnvironment(app, deps);
  mountMembers(app, deps);
  mountHistory(app, deps);
}

const coreDeps = (deps: SitesDeps) => ({ ...deps, host: deps.mirror, newId: randomUUID, placeNew: () => deps.fleet.placeNew() });

function mountSite(app: FastifyInstance, deps: SitesDeps): void {
  const { guards, mirror, sitePattern } = deps;
  mount({ app, guard: guards.person }, api.createSite, async ({ body, caller }) => {
    const { site, operation } = await createSite(coreDeps(deps), caller.actor, body);
    await deps.note(caller.actor, "sites.create", { site, details: { kind: site.kind, starter: body.starter ?? null } });
    return { site: siteViewOf(site, caller.actor, { status: undefined, sitePattern }), operation: operationViewOf(operation) };
  });
  mount({ app, guard: guards.person }, api.listSites, async ({ query, caller }) => {
    const page = await deps.sites.listFor(caller.actor, query);
    return { sites: page.items.map((site) => siteViewOf(site, caller.actor, { status: mirror.statusOf(site.id), sitePattern })), next: page.next };
  });
  mount({ app, guard: guards.site }, api.readSite, async ({ caller }) => ({
    site: siteViewOf(caller.site, caller.actor, { status: await liveStatus(deps, caller), sitePattern }),
  }));
  mount({ app, guard: guards.site }, api.readStatus, async ({ caller }) => statusOf(caller.site, await liveStatus(deps, caller)));
}

// The mirror lags behind by a few milliseconds; whoever asks about one site gets the orchestrator's own word.
async function liveStatus(deps: SitesDeps, caller: SiteCaller): Promise<SiteStatus | undefined> {
  const { site } = caller;
  if (!hasInstance(site) || site.availability !== "enabled") return undefined;
  try {
    return await deps.orchestrator.call(readSiteStatus, { params: { siteId: site.id }, signal: AbortSignal.timeout(2_000) });
  } catch (error) {
    // Not told of the site yet, or away for a moment: what was heard last is the best answer.
    if (error instanceof Failure || (error instanceof Error && error.name === "TimeoutError")) return deps.mirror.statusOf(site.id);
    throw error;
  }
}

function mountChanges(app: FastifyInstance, deps: SitesDeps): void {
  const { guards, mirror, sitePattern, note } = deps;
  mount({ app, guard: guards.site }, api.updateSite, async ({ body, caller }) => {
    const { site, operation } = await updateSite(coreDeps(deps), caller.actor, { site: caller.site, input: body });
    await note(caller.actor, "sites.update", {
      site,
      details: {
        changed: Object.keys(body).filter((key) => key !== "reason"),
        from: caller.site.name,
        reason: body.reason ?? null,
        ...(body.egress === undefined ? {} : { egress: body.egress }),
        ...(body.image === undefined ? {} : { image: body.image }),
        ...(body.dedicated === undefined ? {} : { dedicated: body.dedicated }),
      },
    });
    return {
      site: siteViewOf(site, caller.actor, { status: mirror.statusOf(site.id), sitePattern }),
      operation: operation === null ? null : operationViewOf(operation),
    };
  });
  mount({ app, guard: guards.site }, api.deleteSite, async ({ caller }) => {
    const operation = await deleteSite(coreDeps(deps), caller.actor, caller.site);
    await note(caller.actor, "sites.delete", { site: caller.site });
    return { operation: operationViewOf(operation) };
  });
  const run = { restart: api.restartSite, sleep: api.sleepSite, wake: api.wakeSite } as const;
  for (const verb of ["restart", "sleep", "wake"] as const) {
    mount({ app, guard: guards.site }, run[verb], async ({ caller }) => {
      const operation = await runSite(coreDeps(deps), caller.actor, { site: caller.site, verb });
      await note(caller.actor, `sites.${verb}`, { site: caller.site });
      return { operation: operationView.parse(operationViewOf(operation)) };
    });
  }
}

function mountEnvironment(app: FastifyInstance, deps: SitesDeps): void {
  const { guards, seal } = deps;
  mount({ app, guard: guards.site }, api.readEnvironment, async ({ caller }) => {
    const sealed = await deps.sites.environment(caller.site);
    return new Answer({ environment: sealed === null ? {} : JSON.parse(seal.open(sealed)) }, { headers: { etag: `"${environmentVersion(sealed)}"` } });
  });
  mount({ app, guard: guards.site }, api.writeEnvironment, async ({ body, caller, request }) => {
    const sealed = seal.seal(JSON.stringify(body.environment));
    const operation = await writeEnvironment(coreDeps(deps), caller.actor, { site: caller.site, sealed, expected: expectedOf(request) });
    // Names only: values are secrets as often as not.
    await deps.note(caller.actor, "sites.environment.write", { site: caller.site, details: { names: Object.keys(body.environment) } });
    const answer = { operation: operation === null ? null : operationViewOf(operation) };
    return new Answer(answer, { headers: { etag: `"${environmentVersion(sealed)}"` } });
  });
}

/** The version that a write is based on. A proxy that compresses answers makes their ETags weak; they name the same version. */
function expectedOf(request: FastifyRequest): string | undefined {
  const match = request.headers["if-match"]?.trim();
  return match === undefined || match === "*" ? undefined : match.replace(/^(?:W\/)?"(.*)"$/, "$1");
}

function mountMembers(app: FastifyInstance, deps: SitesDeps): void {
  const { guards, sites, users, note } = deps;
  mount({ app, guard: guards.site }, listMembers, async ({ caller }) => ({
    members: (await sites.members(caller.site)).map(({ username, role }) => ({ username, role })),
  }));
  mount({ app, guard: guards.site }, setMember, async ({ params, body, caller }) => {
    const user = await makeMember(deps, caller.actor, { site: caller.site, username: params.username, role: body.role });
    await note(caller.actor, "members.set", { site: caller.site, details: { username: user.username, role: body.role } });
    return { member: { username: user.username, role: body.role } };
  });
  mount({ app, guard: guards.site }, removeMember, async ({ params, caller }) => {
    const user = await users.byUsername(params.username);
    if (user === null || !(await sites.removeMember(caller.site, user.id))) throw new Failure("member_not_found");
    await note(caller.actor, "members.remove", { site: caller.site, details: { username: user.username } });
    return undefined;
  });
}

function mountHistory(app: FastifyInstance, deps: SitesDeps): void {
  mount({ app, guard: deps.guards.site }, listSiteOperations, async ({ query, caller }) => {
    const page = await deps.operations.listFor(caller.site, query);
    return { operations: page.items.map(operationViewOf), next: page.next };
  });
  mount({ app, guard: deps.guards.site }, api.listSiteAudit, async ({ query, caller }) => {
    const page = await deps.audit.listFor(caller.site, query);
    return { entries: page.items.map(auditViewOf), next: page.next };
  });
}
