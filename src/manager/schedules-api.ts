import type { FastifyInstance } from "fastify";
import * as api from "#contract/api/schedules.ts";
import { Failure } from "#contract/failure.ts";
import type { Actor } from "#core/accounts/user.ts";
import { createSchedule, runSchedule, type ScheduleDeps, updateSchedule } from "#core/schedules/change-schedule.ts";
import { NextRuns } from "#core/schedules/next-runs.ts";
import type { ActorSchedule } from "#core/schedules/schedule-store.ts";
import type { SiteStore } from "#core/sites/site-store.ts";
import { mayControl } from "#core/tasks/task-place.ts";
import { mount } from "#kit/http/mount.ts";
import type { Note } from "./audit-trail.ts";
import type { personGuards } from "./person-guard.ts";

/** What the endpoints of schedules need. */
export interface SchedulesApiDeps extends ScheduleDeps {
  readonly guards: ReturnType<typeof personGuards>;
  readonly sites: Pick<SiteStore, "forActor">;
  readonly note: Note;
}

/** Serves schedules. */
export function mountSchedules(app: FastifyInstance, deps: SchedulesApiDeps): void {
  const { guards, schedules } = deps;
  const nextRuns = new NextRuns();
  const viewOf = (actor: Actor, schedule: ActorSchedule) => scheduleViewOf(actor, schedule, shownRuns(nextRuns, deps, schedule));
  const noteOf = (actor: Actor, action: string, about: { readonly schedule: ActorSchedule; readonly details?: Readonly<Record<string, unknown>> }) => {
    const { schedule, details = {} } = about;
    return deps.note(actor, action, {
      ...(schedule.site === null ? {} : { site: schedule.site }),
      details: { schedule: schedule.id, name: schedule.name, ...details },
    });
  };
  mount({ app, guard: guards.person }, api.createSchedule, async ({ body, caller }) => {
    const schedule = await createSchedule(deps, caller.actor, body);
    await noteOf(caller.actor, "schedules.create", { schedule, details: { cron: schedule.cron, timeZone: schedule.timeZone } });
    return { schedule: viewOf(caller.actor, schedule) };
  });
  mount({ app, guard: guards.person }, api.listSchedules, async ({ query: { site: name, ...request }, caller }) => {
    const site = name === undefined ? undefined : await deps.sites.forActor(caller.actor, name);
    if (site === null) throw new Failure("site_not_found");
    const page = await schedules.listFor(caller.actor, { siteId: site?.id }, request);
    return { schedules: page.items.map((schedule) => viewOf(caller.actor, schedule)), next: page.next };
  });
  mount({ app, guard: guards.schedule }, api.readSchedule, async ({ caller }) => ({ schedule: viewOf(caller.actor, caller.schedule) }));
  mount({ app, guard: guards.schedule }, api.updateSchedule, async ({ body, caller }) => {
    const schedule = await updateSchedule(deps, caller.actor, { schedule: caller.schedule, changes: body });
    await noteOf(caller.actor, "schedules.update", { schedule, details: { changed: Object.keys(body), isPaused: schedule.isPaused } });
    return { schedule: viewOf(caller.actor, schedule) };
  });
  mount({ app, guard: guards.schedule }, api.deleteSchedule, async ({ caller: { actor, schedule } }) => {
    await schedules.delete(schedule);
    await noteOf(actor, "schedules.delete", { schedule });
    return undefined;
  });
  mount({ app, guard: guards.schedule }, api.runSchedule, async ({ caller: { actor, schedule } }) => {
    const uid = await runSchedule(deps, actor, schedule);
    await noteOf(actor, "schedules.run", { schedule, details: { task: uid } });
    return { uid };
  });
  mount({ app, guard: guards.person }, api.previewSchedule, async ({ query }) => ({ next: texts(nextRuns.of(query, deps.clock.now())) }));
}

/** A plan that was taken once and is refused by now (its time zone is gone) spoils no list: its scheduler pauses it, and says why. */
function shownRuns(nextRuns: NextRuns, { clock }: SchedulesApiDeps, schedule: ActorSchedule): string[] {
  if (schedule.nextAt === null) return [];
  try {
    return texts(nextRuns.of(schedule, clock.now()));
  } catch (error) {
    if (error instanceof Failure) return [];
    throw error;
  }
}

function texts(moments: readonly Date[]): string[] {
  return moments.map((moment) => moment.toISOString());
}

function scheduleViewOf(actor: Actor, schedule: ActorSchedule, nextRuns: string[]): api.ScheduleView {
  const { id, name, site, cron, timeZone, overlap, catchUp, isPaused, problem, task, lastRun } = schedule;
  return {
    ...{ id, name, site: site?.name ?? null, cron, timeZone, overlap, catchUp, isPaused, problem, task },
    nextRuns,
    lastRun: lastRun === null ? null : { ...lastRun, at: lastRun.at.toISOString() },
    createdBy: schedule.createdBy?.username ?? null,
    createdAt: schedule.createdAt.toISOString(),
    you: { mayControl: mayControl(actor, schedule) },
  };
}
