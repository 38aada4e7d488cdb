import type { TaskState } from "#contract/task.ts";
import type { Actor } from "../accounts/user.ts";
import type { AuditEntry } from "../audit/audit-store.ts";
import type { Page, PageRequest } from "../page.ts";
import type { ActorSite } from "../sites/site.ts";
import type { EarlierAttempt, NewTask, Task } from "./task.ts";

/** Which tasks to list; absent fields do not narrow. */
export interface TaskFilter {
  readonly siteId?: number | undefined;
  readonly isHome?: boolean | undefined;
  readonly states?: readonly TaskState[] | undefined;
  readonly script?: string | undefined;
  readonly scheduleId?: string | undefined;
  readonly search?: string | undefined;
  readonly since?: Date | undefined;
  /** Before this moment. */
  readonly until?: Date | undefined;
}

/** A task together with the person who asked for it. */
export interface ActorTask extends Task {
  /** The site as this person sees it; null for a task of the home folder, or whose site is gone. */
  readonly actorSite: ActorSite | null;
}

/** One day of a chart. Times in milliseconds; null when nothing started or ended. */
export interface TaskDay {
  /** `YYYY-MM-DD` in the asked time zone. */
  readonly date: string;
  readonly total: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly medianDurationMs: number | null;
  readonly p95DurationMs: number | null;
  readonly medianWaitMs: number | null;
  readonly p95WaitMs: number | null;
}

/**
 * Tasks as people see them: those of sites that they can read, and for administrators every one. Creating writes the task, its message for
 * the broker (where one is used) and the notification in one transaction.
 */
export interface TaskStore {
  /**
   * Queues a task, and puts a note into the audit trail with it. With an idempotency key that this person used within a day, the earlier task is given and
   * nothing is queued.
   * @throws {Failure} `idempotency_conflict` when that was another task (script, arguments or site differ), `task_limit_reached`, `site_being_deleted`.
   */
  create(task: NewTask, limits: { readonly maxWaiting: number }, note?: AuditEntry): Promise<{ readonly task: Task; readonly isNew: boolean }>;
  forActor(actor: Actor, uid: string): Promise<ActorTask | null>;
  /** The task that this person queued with an idempotency key within a day, if they see it still. */
  byKey(actor: Actor, key: string): Promise<ActorTask | null>;
  /** How its attempts before the last one ended, the first one first. */
  earlierAttempts(task: Task): Promise<readonly EarlierAttempt[]>;
  /** Newest first. */
  listFor(actor: Actor, filter: TaskFilter, request: PageRequest): Promise<Page<ActorTask>>;
  /** Ends a waiting task as cancelled, or marks a running one so that its worker ends it; one that has ended stays as it is. */
  requestCancel(task: Task): Promise<Task>;
  /** Sealed environment of a task, to run it again. */
  sealedEnvironment(task: Task): Promise<string | null>;
  /** Days from `since` to before `until`, each day once, also empty ones. */
  days(
    actor: Actor,
    request: { readonly siteId: number | null; readonly since: string; readonly until: string; readonly timeZone: string },
  ): Promise<readonly TaskDay[]>;
  /** Free space after each task that ended in this time, oldest first, at most `limit` evenly chosen. */
  disk(
    actor: Actor,
    request: { readonly siteId: number | null; readonly since: Date; readonly until: Date; readonly limit: number },
  ): Promise<readonly { readonly at: Date; readonly uid: string; readonly freeBytes: number }[]>;
}

/** Tasks as the original's clients see them: those of the home folder, for whoever was let in. */
export interface LegacyTaskStore {
  create(task: NewTask, limits: { readonly maxWaiting: number }, note?: AuditEntry): Promise<{ readonly task: Task; readonly isNew: boolean }>;
  byId(id: number): Promise<Task | null>;
  byUid(uid: string): Promise<Task | null>;
  /** Created on this UTC day, oldest first, some at a time. */
  onDay(day: { readonly from: Date; readonly until: Date }): AsyncIterable<readonly Task[]>;
  countOnDay(day: { readonly from: Date; readonly until: Date }): Promise<number>;
  /** How many were created on each UTC day (`YYYY-MM-DD`) of this time; a day without any may be left out. */
  countPerDay(time: { readonly from: Date; readonly until: Date }): Promise<ReadonlyMap<string, number>>;
  /** Free space after each task that was created in this time and has ended, oldest first, at most `limit` evenly chosen. */
  freeSpace(time: {
    readonly from: Date;
    readonly until: Date;
    readonly limit: number;
  }): Promise<readonly { readonly id: number; readonly at: Date; readonly freeBytes: number }[]>;
}
