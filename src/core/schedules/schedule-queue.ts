import type { User } from "../accounts/user.ts";
import type { AuditEntry } from "../audit/audit-store.ts";
import type { NewTask } from "../tasks/task.ts";
import type { Schedule } from "./schedule.ts";

/** A due schedule that one scheduler holds. `fence` grows with each claim and each change by a person, and the earlier claim loses. */
export interface ClaimedSchedule extends Schedule {
  readonly fence: number;
  /** When the oldest of what is due fell due. */
  readonly dueAt: Date;
  /** The database server's time of the claim. */
  readonly now: Date;
  /** The person on whose behalf it runs; null when they are gone. */
  readonly behalf: User | null;
}

/** What became of a due schedule. */
export interface Firing {
  /** One for each moment, oldest first. */
  readonly tasks: readonly NewTask[];
  readonly nextAt: Date | null;
  /** Why nothing could be run, in words; null clears what was said before. */
  readonly problem: string | null;
}

/** Due schedules, for workers. Times are the database server's. A write with an old fence answers null or false and changes nothing. */
export interface ScheduleQueue {
  /** Takes due schedules that nobody holds, longest due first. */
  claim(request: { readonly leaseMs: number; readonly limit: number }): Promise<readonly ClaimedSchedule[]>;
  /**
   * In one transaction: judges the overlap with the schedule's earlier tasks, cancels them where it says so, creates the tasks, and moves the
   * schedule on. A task whose uid is there already is left as it is.
   * @throws {Failure} `task_limit_reached`: nothing was done.
   */
  fire(claim: ClaimedSchedule, firing: Firing, limits: { readonly maxWaiting: number }): Promise<{ readonly created: readonly string[] } | null>;
  /** Pauses it, with the reason and an entry in the audit trail. */
  pause(claim: ClaimedSchedule, problem: string, entry: AuditEntry): Promise<boolean>;
  /** Gives it back, to be tried again after this time. */
  release(claim: ClaimedSchedule, request: { readonly afterMs: number; readonly problem: string | null }): Promise<boolean>;
  /** Milliseconds until something may be claimed; null when nothing will be. */
  nextDueMs(): Promise<number | null>;
}
