import type { ColumnType, Generated, GeneratedAlways, JSONColumnType } from "kysely";
import type { NodeKind } from "#contract/api/nodes.ts";
import type { OperationKind, OperationState, UserRole } from "#contract/api/views.ts";
import type { ImageView } from "#contract/image.ts";
import type { NodeReport } from "#contract/internal/nodes.ts";
import type { MemberRole, SiteAvailability, SiteEgress, SiteKind, SiteLimits, SitePurpose } from "#contract/site.ts";
import type { SiteCache } from "#contract/site-cache.ts";
import type { TokenScope } from "#contract/token-scope.ts";
import type { OperationFailure, Step } from "#core/operations/operation.ts";
import type { Site, SiteSettings } from "#core/sites/site.ts";
import type { DatabaseHold, SiteDatabase } from "#core/sites/site-database.ts";
import type { ScheduleTable, TaskAttemptTable, TaskKeyTable, TaskOutboxTable, TaskTable } from "./tasks/task-tables.ts";

// Columns are snake_case in SQL; Kysely's camel case plugin translates. JSON inside columns is left as it is.

interface UserTable {
  id: GeneratedAlways<number>;
  username: string;
  passwordHash: string | null;
  role: UserRole;
  isActive: Generated<boolean>;
  epoch: Generated<number>;
  epochChangedAt: Generated<Date>;
  createdAt: Generated<Date>;
}

interface SessionTable {
  /** The sha256 of the cookie's secret, hex. */
  id: string;
  userId: number;
  createdAt: Date;
  lastSeenAt: Date;
  expiresAt: Date;
  address: string | null;
  userAgent: string | null;
}

interface ApiTokenTable {
  id: string;
  userId: number;
  name: string;
  secretHash: string;
  scopes: TokenScope[];
  createdAt: Generated<Date>;
  expiresAt: Date | null;
  lastUsedAt: Date | null;
}

interface SshKeyTable {
  id: string;
  userId: number;
  title: string;
  algorithm: string;
  bits: number;
  fingerprint: string;
  blob: Buffer;
  createdAt: Generated<Date>;
  lastUsedAt: Date | null;
}

interface SiteTable {
  id: GeneratedAlways<number>;
  name: string;
  kind: SiteKind;
  purpose: SitePurpose;
  description: string;
  availability: Generated<SiteAvailability>;
  availabilityReason: Generated<string>;
  limits: JSONColumnType<SiteLimits>;
  settings: JSONColumnType<SiteSettings>;
  egress: SiteEgress;
  isDedicated: Generated<boolean>;
  cache: ColumnType<SiteCache, string | undefined, string>;
  cacheGeneration: Generated<number>;
  /** Sealed before it comes here. */
  environment: string | null;
  revision: Generated<number>;
  epoch: Generated<number>;
  epochChangedAt: Generated<Date>;
  /** The route clock's time of the last change that routers have to know. */
  routeVersion: Generated<number>;
  lifecycle: Site["lifecycle"];
  /** The orchestrator that is responsible; null: the first one. */
  nodeId: string | null;
  placement: Generated<number>;
  isTakenOver: Generated<boolean>;
  /** Null: the default image. */
  imageId: number | null;
  createdAt: Generated<Date>;
  updatedAt: Generated<Date>;
}

interface ImageTable extends Omit<ImageView, "id"> {
  id: GeneratedAlways<number>;
}

interface NodeTable {
  id: string;
  number: GeneratedAlways<number>;
  kind: NodeKind;
  host: string;
  url: string | null;
  version: string;
  report: JSONColumnType<NodeReport> | null;
  isDrained: Generated<boolean>;
  firstSeenAt: Generated<Date>;
  lastSeenAt: Generated<Date>;
}

interface SiteDatabaseTable {
  siteId: number;
  id: string;
  lifecycle: SiteDatabase["lifecycle"];
  /** Sealed before they come here. */
  password: string;
  pendingPassword: string | null;
  hold: Generated<DatabaseHold>;
  bytes: number | null;
  measuredAt: Date | null;
  createdAt: Generated<Date>;
}

interface SiteMemberTable {
  siteId: number;
  userId: number;
  role: MemberRole;
}

interface OperationTable {
  id: string;
  /** The order in which they were asked for; per site also the order of commits, since queueing locks the site's row. */
  sequence: GeneratedAlways<number>;
  kind: OperationKind;
  siteId: number | null;
  siteName: string;
  requestedById: number | null;
  requestedBy: string | null;
  input: JSONColumnType<Readonly<Record<string, unknown>>>;
  state: Generated<OperationState>;
  failure: JSONColumnType<OperationFailure> | null;
  leaseOwner: string | null;
  /** Queued: when it may be claimed. Running: when its lease ends, or when a postponed one goes on. */
  dueAt: Generated<Date>;
  /** How often it was claimed: the fence. */
  attempt: Generated<number>;
  createdAt: Generated<Date>;
  startedAt: Date | null;
  finishedAt: Date | null;
}

interface OperationStepTable {
  operationId: string;
  position: number;
  name: string;
  title: string;
  state: Generated<Step["state"]>;
  attempt: Generated<number>;
  message: string | null;
  startedAt: Date | null;
  finishedAt: Date | null;
}

interface AuditEntryTable {
  id: GeneratedAlways<number>;
  at: Generated<Date>;
  actorId: number | null;
  actorName: string | null;
  door: "web" | "api" | "cli" | "system" | "ftp" | "ssh" | "sftp";
  address: string | null;
  action: string;
  siteId: number | null;
  siteName: string | null;
  details: JSONColumnType<Readonly<Record<string, unknown>>>;
}

/** Every table, as queries see it. */
export interface Tables {
  users: UserTable;
  sessions: SessionTable;
  apiTokens: ApiTokenTable;
  sshKeys: SshKeyTable;
  sites: SiteTable;
  siteMembers: SiteMemberTable;
  siteDatabases: SiteDatabaseTable;
  operations: OperationTable;
  operationSteps: OperationStepTable;
  auditEntries: AuditEntryTable;
  /** One row. Its lock, held until commit, puts route versions in the order of commits. */
  routeClock: { id: Generated<boolean>; version: number };
  removedRoutes: { siteId: number; version: number };
  settings: { key: string; value: string };
  /** Failures only. */
  signInAttempts: { username: string; address: string; at: Date };
  familiarAddresses: { username: string; address: string; at: Date };
  schedules: ScheduleTable;
  tasks: TaskTable;
  taskAttempts: TaskAttemptTable;
  taskKeys: TaskKeyTable;
  taskOutbox: TaskOutboxTable;
  nodes: NodeTable;
  images: ImageTable;
  /** Of runs that the first orchestrator was not given. */
  runPlaces: { uid: string; attempt: number; nodeId: string };
}
