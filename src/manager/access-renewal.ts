import { type AccessRenewal, listStaleAccess, renewAccess, type StaleAccess } from "#contract/internal/access.ts";
import type { User } from "#core/accounts/user.ts";
import type { UserStore } from "#core/accounts/user-store.ts";
import { verbsFor } from "#core/policy/policy.ts";
import { demandCanRun, type RunPolicy } from "#core/sites/run-policy.ts";
import type { ActorSite } from "#core/sites/site.ts";
import type { SiteStore } from "#core/sites/site-store.ts";
import type { ComponentClient } from "#kit/component-client.ts";
import type { OrchestratorMirror } from "./orchestrator-mirror.ts";

/** An orchestrator, at which people have something open. */
export interface AccessHost {
  /** Whose access waits for a renewal there. */
  stale(): Promise<readonly StaleAccess[]>;
  renew(renewals: readonly AccessRenewal[]): Promise<void>;
}

/** Who is asked, and who is told, when access to a site has changed. */
export interface AccessRenewals {
  readonly hosts: readonly AccessHost[];
  /** What somebody may do now. */
  judge(access: StaleAccess): Promise<AccessRenewal>;
}

/** What judging needs. */
export interface AccessRenewalDeps {
  /** All of them: each holds what was opened there. */
  readonly orchestrators: readonly ComponentClient[];
  readonly users: Pick<UserStore, "byNumber">;
  readonly sites: Pick<SiteStore, "numberForActor">;
  readonly mirror: Pick<OrchestratorMirror, "capabilities">;
  readonly runPolicy: RunPolicy;
}

/** Judges by the database and the policy, as at the moment when something is opened. */
export function accessRenewals(deps: AccessRenewalDeps): AccessRenewals {
  return {
    hosts: deps.orchestrators.map((client) => ({
      stale: async () => (await client.call(listStaleAccess, {})).stale,
      renew: async (renewals) => void (await client.call(renewAccess, { body: { renewals: [...renewals] } })),
    })),
    judge: async (access) => {
      const user = await deps.users.byNumber(access.user);
      if (user === null || !user.isActive) return nothing(access, user);
      const site = await deps.sites.numberForActor({ user, scopes: ["full"], door: "web", address: null }, access.site);
      if (site === null || site.lifecycle === "deleting") return nothing(access, user);
      return { ...access, siteEpoch: site.epoch, userEpoch: user.epoch, verbs: await verbsIn(deps, user, site) };
    },
  };
}

async function verbsIn(deps: AccessRenewalDeps, user: User, site: ActorSite): Promise<string[]> {
  const verbs = verbsFor({ userRole: user.role, memberRole: site.role, availability: site.availability });
  // What processes ask of each other on behalf of whoever may read the logs.
  const more = verbs.includes("site.logs") ? ["run.read", "site.status"] : [];
  const mayRun = !verbs.includes("site.shell") || (await canRun(deps, site));
  return [...verbs.filter((verb) => mayRun || verb !== "site.shell"), ...more];
}

async function canRun({ runPolicy, mirror }: AccessRenewalDeps, site: ActorSite): Promise<boolean> {
  const capabilities = await mirror.capabilities();
  try {
    demandCanRun(runPolicy, capabilities, site.isOwnedByAdministrator);
    return true;
  } catch {
    return false; // without isolation, and the site is no administrator's any more
  }
}

function nothing(access: StaleAccess, user: User | null): AccessRenewal {
  return { ...access, siteEpoch: 0, userEpoch: user?.epoch ?? 0, verbs: [] };
}
