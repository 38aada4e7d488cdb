import type { FastifyInstance } from "fastify";
import * as api from "#contract/api/schedules.ts";
import { Failure } from "#contract/failure.ts";
import type { Actor } from "#core/accounts/user.ts";
import { createSchedule, runSchedule, type ScheduleDeps, updateSchedule } from "#core/schedules/change-schedule.ts";
import { nextMoments, parseCron } from "#core/schedules/cron.ts";
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

/** How many of the next runs are shown. */
const shownRuns = 5;

/** Serves schedules. */
export function mountSchedules(app: FastifyInstance, deps: SchedulesApiDeps): void {
  const { guards, schedules } = deps;
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
    return { schedule: viewOf(deps, caller.actor, schedule) };
  });
  mount({ app, guard: guards.person }, api.listSchedules, async ({ query: { site: name, ...request }, caller }) => {
    const site = name === undefined ? undefined : await deps.sites.forActor(caller.actor, name);
    if (site === null) throw new Failure("site_not_found");
    const page = await schedules.listFor(caller.actor, { siteId: site?.id }, request);
    return { schedules: page.items.map((schedule) => viewOf(deps, caller.actor, schedule)), next: page.next };
  });
  mount({ app, guard: guards.schedule }, api.readSchedule, async ({ caller }) => ({ schedule: viewOf(deps, caller.actor, caller.schedule) }));
  mount({ app, guard: guards.schedule }, api.updateSchedule, async ({ body, caller }) => {
    const schedule = await updateSchedule(deps, caller.actor, { schedule: caller.schedule, changes: body });
    await noteOf(caller.actor, "schedules.update", { schedule, details: { changed: Object.keys(body), isPaused: schedule.isPaused } });
    return { schedule: viewOf(deps, caller.actor, schedule) };
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
  mount({ app, guard: guards.person }, api.previewSchedule, async ({ query }) => ({ next: nextRuns(deps, query) }));
}

function nextRuns(deps: SchedulesApiDeps, plan: { readonly cron: string; readonly timeZone: string }): string[] {
  const now = new Date(deps.clock.now());
  return nextMoments(parseCron(plan.cron, plan.timeZone), now, shownRuns).map((moment) => moment.toISOString());
}

function viewOf(deps: SchedulesApiDeps, actor: Actor, schedule: ActorSchedule): api.ScheduleView {
  const { id, name, site, cron, timeZone, overlap, catchUp, isPaused, problem, task, lastRun } = schedule;
  return {
    ...{ id, name, site: site?.name ?? null, cron, timeZone, overlap, catchUp, isPaused, problem, task },
    nextRuns: schedule.nextAt === null ? [] : nextRuns(deps, schedule),
    lastRun: lastRun === null ? null : { ...lastRun, at: lastRun.at.toISOString() },
    createdBy: schedule.createdBy?.username ?? null,
    createdAt: schedule.createdAt.toISOString(),
    you: { mayControl: mayControl(actor, schedule) },
  };
}
