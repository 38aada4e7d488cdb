import type { UserRole } from "#contract/api/views.ts";
import { Failure } from "#contract/failure.ts";
import type { MemberRole, SiteAvailability } from "#contract/site.ts";
import { type PlatformVerb, type SiteVerb, siteVerbs } from "#contract/verb.ts";

const viewer: readonly SiteVerb[] = ["site.read", "site.logs", "site.files.read"];
const editor: readonly SiteVerb[] = [...viewer, "site.files.write", "site.deploy", "site.run", "site.shell", "site.tasks"];
const owner: readonly SiteVerb[] = [...editor, "site.configure", "site.members", "site.delete"];
const verbsOf: Readonly<Record<MemberRole, readonly SiteVerb[]>> = { viewer, editor, owner };

/** Who asks about which site: all that the gate needs to know. */
export interface SiteQuestion {
  readonly userRole: UserRole;
  /** Null for someone who is no member. */
  readonly memberRole: MemberRole | null;
  readonly availability: SiteAvailability;
}

/** Everything that someone may do to a site. A disabled site is its members' to look at only; administrators keep every verb. */
export function verbsFor(question: SiteQuestion): readonly SiteVerb[] {
  if (question.userRole === "administrator") return siteVerbs;
  if (question.memberRole === null) return [];
  const verbs = verbsOf[question.memberRole];
  return question.availability === "disabled" ? verbs.filter((verb) => verb === "site.read") : verbs;
}

/**
 * The one gate: HTTP, terminals, SSH, FTP, tasks and backups all ask here.
 * @throws {Failure} `site_not_found` for someone who may not even know of the site, `site_disabled`, `role_too_low`.
 */
export function demandSiteVerb(question: SiteQuestion, verb: SiteVerb): void {
  const verbs = verbsFor(question);
  if (verbs.includes(verb)) return;
  if (verbs.length === 0) throw new Failure("site_not_found");
  if (question.availability === "disabled" && question.memberRole !== null && verbsOf[question.memberRole].includes(verb)) throw new Failure("site_disabled");
  throw new Failure("role_too_low");
}

const memberVerbs: readonly PlatformVerb[] = ["site.create"];

/** Whether someone may do something to the installation. */
export function mayPlatform(role: UserRole, verb: PlatformVerb): boolean {
  return role === "administrator" || memberVerbs.includes(verb);
}
