import { PostgresAttemptStore } from "./accounts/postgres-attempt-store.ts";
import { PostgresKeyStore } from "./accounts/postgres-key-store.ts";
import { PostgresSessionStore } from "./accounts/postgres-session-store.ts";
import { PostgresSettingStore } from "./accounts/postgres-setting-store.ts";
import { PostgresTokenStore } from "./accounts/postgres-token-store.ts";
import { PostgresUserStore } from "./accounts/postgres-user-store.ts";
import { PostgresAuditInbox } from "./audit/postgres-audit-inbox.ts";
import { PostgresAuditStore } from "./audit/postgres-audit-store.ts";
import type { Database } from "./database.ts";
import { PostgresImageStore } from "./images/postgres-image-store.ts";
import { PostgresNodeStore } from "./nodes/postgres-node-store.ts";
import { PostgresPlacementStore } from "./nodes/postgres-placement-store.ts";
import { PostgresOperationQueue } from "./operations/postgres-operation-queue.ts";
import { PostgresOperationStore } from "./operations/postgres-operation-store.ts";
import { PostgresEpochStore } from "./routes/postgres-epoch-store.ts";
import { PostgresRouteStore } from "./routes/postgres-route-store.ts";
import { PostgresScheduleQueue } from "./schedules/postgres-schedule-queue.ts";
import { PostgresScheduleStore } from "./schedules/postgres-schedule-store.ts";
import { PostgresReconcilerDatabaseStore } from "./sites/postgres-reconciler-database-store.ts";
import { PostgresReconcilerSiteStore } from "./sites/postgres-reconciler-site-store.ts";
import { PostgresSiteDatabaseStore } from "./sites/postgres-site-database-store.ts";
import { PostgresSiteStore } from "./sites/postgres-site-store.ts";
import { PostgresLegacyTaskStore } from "./tasks/postgres-legacy-task-store.ts";
import { PostgresTaskArchive } from "./tasks/postgres-task-archive.ts";
import { PostgresTaskOutbox } from "./tasks/postgres-task-outbox.ts";
import { PostgresTaskQueue } from "./tasks/postgres-task-queue.ts";
import { PostgresTaskStore } from "./tasks/postgres-task-store.ts";

/** How stores announce new work: with a broker each task leaves a message in the outbox too. */
export interface StoreOptions {
  readonly usesBroker: boolean;
}

/** The stores that people's requests need: a site is only ever loaded together with the person who asks for it. */
export function createStores(db: Database, options: StoreOptions = { usesBroker: false }) {
  return {
    users: new PostgresUserStore(db),
    sessions: new PostgresSessionStore(db),
    tokens: new PostgresTokenStore(db),
    keys: new PostgresKeyStore(db),
    attempts: new PostgresAttemptStore(db),
    settings: new PostgresSettingStore(db),
    sites: new PostgresSiteStore(db),
    databases: new PostgresSiteDatabaseStore(db),
    operations: new PostgresOperationStore(db),
    schedules: new PostgresScheduleStore(db),
    audit: new PostgresAuditStore(db),
    auditInbox: new PostgresAuditInbox(db),
    routes: new PostgresRouteStore(db),
    epochs: new PostgresEpochStore(db),
    nodes: new PostgresNodeStore(db),
    placements: new PostgresPlacementStore(db),
    images: new PostgresImageStore(db),
    tasks: new PostgresTaskStore(db, options),
    legacyTasks: new PostgresLegacyTaskStore(db, options),
  };
}

/** The worker's stores: these load sites and operations by number, for nobody in particular. */
export function createWorkerStores(db: Database, options: StoreOptions = { usesBroker: false }) {
  return {
    sites: new PostgresReconcilerSiteStore(db),
    databases: new PostgresReconcilerDatabaseStore(db),
    queue: new PostgresOperationQueue(db),
    nodes: new PostgresNodeStore(db),
    placements: new PostgresPlacementStore(db),
    images: new PostgresImageStore(db),
    tasks: new PostgresTaskQueue(db, options),
    taskOutbox: new PostgresTaskOutbox(db),
    taskArchive: new PostgresTaskArchive(db),
    schedules: new PostgresScheduleQueue(db, options),
    sessions: new PostgresSessionStore(db),
    attempts: new PostgresAttemptStore(db),
  };
}
