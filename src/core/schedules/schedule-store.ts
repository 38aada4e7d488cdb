import type { Actor } from "../accounts/user.ts";
import type { Page, PageRequest } from "../page.ts";
import type { ActorSite } from "../sites/site.ts";
import type { Schedule } from "./schedule.ts";

/** A schedule together with the person who asked for it. */
export interface ActorSchedule extends Schedule {
  /** The site as this person sees it; null for a schedule of the home folder, which only administrators are given. */
  readonly actorSite: ActorSite | null;
}

/** Everything that a new schedule needs. */
export interface NewSchedule extends Omit<Schedule, "site" | "problem" | "createdBy" | "createdAt" | "lastRun"> {
  readonly siteId: number | null;
  readonly createdById: number;
}

/** What changes of a schedule; absent fields stay. */
export interface ScheduleChanges extends Partial<Omit<NewSchedule, "id" | "createdById">> {
  /** Whoever decides what runs, or that it runs again, is the one on whose behalf it runs. */
  readonly createdById?: number;
  /** What was wrong has been seen to. */
  readonly problem?: null;
}

/** What is to change, and how many schedules a place may have. */
export interface ScheduleUpdate {
  readonly changes: ScheduleChanges;
  readonly most: number;
}

/** Schedules as people see them: those of sites that they can read, and for administrators every one. */
export interface ScheduleStore {
  /** @throws {Failure} `site_not_found`, `site_being_deleted`, `schedule_limit_reached` when its place has `most` already. */
  create(actor: Actor, schedule: NewSchedule, limits: { readonly most: number }): Promise<ActorSchedule>;
  forActor(actor: Actor, id: string): Promise<ActorSchedule | null>;
  /** By name. */
  listFor(actor: Actor, filter: { readonly siteId?: number | undefined }, request: PageRequest): Promise<Page<ActorSchedule>>;
  /**
   * A scheduler that has just read the schedule as it was loses its turn. Null, and nothing has changed, when its plan, its values or
   * on whose behalf it runs are no longer what `schedule` says, or it was moved: the changes were decided by that.
   * @throws {Failure} `schedule_not_found` when it is gone; of a place that it moves to what creating one there throws.
   */
  update(actor: Actor, schedule: ActorSchedule, update: ScheduleUpdate): Promise<ActorSchedule | null>;
  /** Gone already is success. */
  delete(schedule: ActorSchedule): Promise<void>;
}
