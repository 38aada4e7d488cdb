import { z } from "zod";
import { memberRole, siteAvailability, siteEgress, siteKind, siteLimits, sitePurpose, siteStatus, timestamp } from "../site.ts";
import { siteCache } from "../site-cache.ts";
import { siteVerbs } from "../verb.ts";

export const userRoles = ["administrator", "member"] as const;
export const userRole = z.enum(userRoles);
export type UserRole = z.output<typeof userRole>;

/** A person as others see them. */
export const userView = z.object({
  id: z.int(),
  username: z.string(),
  role: userRole,
  isActive: z.boolean(),
  createdAt: timestamp,
});
export type UserView = z.output<typeof userView>;

/** A site as its members see it. `you` says what the asker may do, so that pages need no rules of their own. */
export const siteView = z.object({
  id: z.int(),
  name: z.string(),
  url: z.url(),
  description: z.string(),
  kind: siteKind,
  purpose: sitePurpose,
  availability: siteAvailability,
  /** Why an administrator changed the availability; empty otherwise. */
  availabilityReason: z.string(),
  /** The live state, the same as `status.state`. */
  state: siteStatus.shape.state,
  status: siteStatus,
  limits: siteLimits,
  /** The image of the catalogue that its programs run in, by its number; null: the default one. */
  image: z.int().nullable().optional(),
  /** A static site has a file server of its own. */
  dedicated: z.boolean().optional(),
  /** Where its program may connect to; only administrators change it. */
  egress: siteEgress,
  settings: z.object({
    /** Seconds without traffic before the program sleeps; null keeps it awake. */
    idleSeconds: z.int().nullable(),
    /** Crawlers and probes wake the site too. */
    botsWake: z.boolean(),
    /** Two instances may run side by side during a restart. */
    canRunTwice: z.boolean(),
    timeZone: z.string(),
  }),
  /** How the router keeps answers of its program. */
  cache: siteCache,
  you: z.object({ role: memberRole.nullable(), may: z.array(z.enum(siteVerbs)) }),
  createdAt: timestamp,
  updatedAt: timestamp,
});
export type SiteView = z.output<typeof siteView>;

export const operationStates = ["queued", "running", "succeeded", "failed"] as const;
export const operationState = z.enum(operationStates);
export type OperationState = z.output<typeof operationState>;
export const stepStates = ["waiting", "running", "succeeded", "failed"] as const;
export const stepState = z.enum(stepStates);
export const operationKinds = [
  "create",
  "rename",
  "configure",
  "deploy",
  "restart",
  "sleep",
  "wake",
  "delete",
  "add-database",
  "change-database-password",
  "delete-database",
  "move",
] as const;
export const operationKind = z.enum(operationKinds);
export type OperationKind = z.output<typeof operationKind>;

/** A change of a site, step by step. It stays readable when it has ended, and when the site is gone. */
export const operationView = z.object({
  id: z.uuid(),
  kind: operationKind,
  state: operationState,
  site: z.string(),
  requestedBy: z.string().nullable(),
  /** Set when it failed: what to do about it. */
  failure: z.object({ code: z.string(), title: z.string() }).nullable(),
  steps: z.array(
    z.object({
      name: z.string(),
      title: z.string(),
      state: stepState,
      attempt: z.int(),
      /** What came of it, or what it waits for; null when there is nothing to say. */
      message: z.string().nullable(),
      startedAt: timestamp.nullable(),
      finishedAt: timestamp.nullable(),
    }),
  ),
  createdAt: timestamp,
  startedAt: timestamp.nullable(),
  finishedAt: timestamp.nullable(),
});
export type OperationView = z.output<typeof operationView>;

/** Who did what, for people. */
export const auditView = z.object({
  id: z.int(),
  at: timestamp,
  actor: z.string().nullable(),
  door: z.enum(["web", "api", "cli", "system", "ftp", "ssh", "sftp"]),
  address: z.string().nullable(),
  action: z.string(),
  site: z.string().nullable(),
  details: z.record(z.string(), z.unknown()),
});
export type AuditView = z.output<typeof auditView>;

/** A page of a list: give `next` as `cursor` to get the one after it. */
export const pageQuery = z.strictObject({ cursor: z.string().max(200).optional(), limit: z.coerce.number().int().min(1).max(200).default(50) });
