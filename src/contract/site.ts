import { z } from "zod";

export const siteKinds = ["static", "dynamic"] as const;
export const sitePurposes = ["user", "project", "activity", "legacy", "other"] as const;
export const siteAvailabilities = ["enabled", "not-served", "disabled"] as const;
export const memberRoles = ["owner", "editor", "viewer"] as const;
export const siteStates = ["starting", "running", "frozen", "asleep", "stopping", "stopped", "crashed", "not-served", "disabled"] as const;

/** Where a site's program may connect to: nowhere, or the public internet. */
export const siteEgresses = ["none", "internet"] as const;

export const siteKind = z.enum(siteKinds);
export const sitePurpose = z.enum(sitePurposes);
export const siteAvailability = z.enum(siteAvailabilities);
export const memberRole = z.enum(memberRoles);
export const siteState = z.enum(siteStates);
export const siteEgress = z.enum(siteEgresses);
export type SiteKind = z.output<typeof siteKind>;
export type SitePurpose = z.output<typeof sitePurpose>;
export type SiteAvailability = z.output<typeof siteAvailability>;
export type MemberRole = z.output<typeof memberRole>;
export type SiteState = z.output<typeof siteState>;
export type SiteEgress = z.output<typeof siteEgress>;

/** Whether something runs for a site: its program, or a file server of its own. */
export function hasInstance({ kind, isDedicated }: { readonly kind: SiteKind; readonly isDedicated?: boolean | undefined }): boolean {
  return kind === "dynamic" || isDedicated === true;
}

/** 2–32 lower-case letters, digits and single inner dashes, first a letter. */
export const siteNamePattern = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;
/** Whether a text is a well-formed site or user name (reserved names are the manager's business). */
export function isSiteName(name: string): boolean {
  return name.length >= 2 && name.length <= 32 && siteNamePattern.test(name);
}
/** Any text on the way in, so that a bad name can be refused in words. */
export const siteNameInput = z.string().max(300);

/** The positive number of a site; containers, user ids and folders are named after it. */
export const siteId = z.coerce.number().int().positive();
/** The number of a folder with files: a site's, or 0 for the installation's home folder. */
export const folderId = z.coerce.number().int().nonnegative();
/** The installation's home folder among the folders with files. */
export const homeFolderId = 0;

/** ISO 8601 with a zone. */
export const timestamp = z.iso.datetime({ offset: true });

/** What a site's program may use. Only administrators raise these, with a reason. */
export const siteLimits = z.object({
  /** Share of one processor core; 0.6 is 60 %. */
  cpu: z.number().min(0.05).max(16),
  memoryBytes: z.int().min(16_000_000).max(64_000_000_000),
  pids: z.int().min(8).max(4096),
  /** Body of a visitor's request. */
  requestBodyBytes: z.int().min(0).max(1_073_741_824),
  fileBytes: z.int().min(1_000_000).max(100_000_000_000),
  /** All files of the site together. */
  diskBytes: z.int().min(1_000_000).max(1_000_000_000_000),
  /** Number of files and folders. */
  files: z.int().min(100).max(10_000_000),
});
export type SiteLimits = z.output<typeof siteLimits>;

/** What every site starts with. */
export const defaultSiteLimits: SiteLimits = {
  cpu: 0.6,
  memoryBytes: 100_000_000,
  pids: 128,
  requestBodyBytes: 2 * 1024 * 1024,
  fileBytes: 100_000_000,
  diskBytes: 1024 * 1024 * 1024,
  files: 100_000,
};

/** What is going on with a site right now, and why, in plain words. */
export const siteStatus = z.object({
  state: siteState,
  /** A sentence for people; null when there is nothing to explain. */
  reason: z.string().nullable(),
  since: timestamp,
});
export type SiteStatus = z.output<typeof siteStatus>;

/** Names of environment variables that the platform sets itself. */
export const reservedEnvironmentNames = ["PORT", "HOST", "TZ", "HOME", "PATH", "USER", "DATABASE_URL"] as const;
/** The site's own variables. `DIRECTOR_*` and the reserved names are refused. */
export const siteEnvironment = z
  .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/), z.string().max(32_768))
  .refine((all) => Object.keys(all).length <= 200, "at most 200 variables")
  .refine(
    (all) => Object.keys(all).every((name) => !name.startsWith("DIRECTOR_") && !reservedEnvironmentNames.some((reserved) => reserved === name)),
    `the names ${reservedEnvironmentNames.join(", ")} and DIRECTOR_… are set by the platform`,
  )
  .refine((all) => Object.values(all).every((value) => !value.includes("\0")), "values cannot hold NUL");

/** The folder of a site below `$BACKLOT_DATA/sites`: two levels of two or more digits, as in the original. */
export function siteFolder(id: number): string {
  const pad = (n: number): string => String(n).padStart(2, "0");
  return `${pad(Math.floor(id / 100))}/${pad(id % 100)}`;
}
