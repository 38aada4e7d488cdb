import type { createSchedule, ScheduleView } from "#contract/api/schedules.ts";
import type { BodyOf } from "#contract/endpoint.ts";
import { Failure } from "#contract/failure.ts";
import type { NewSchedule } from "../app/data-schedules.ts";
import type { MockCall, MockHandler } from "./mock-call.ts";
import { runMockTask } from "./mock-tasks.ts";
import type { MockWorld } from "./mock-world.ts";

const hourMs = 3_600_000;
const worlds = new WeakMap<MockWorld, ScheduleView[]>();

/** The next hours: what the expression says is the server's business. */
const next = (): string[] => Array.from({ length: 5 }, (_, index) => new Date(Math.ceil(Date.now() / hourMs + index) * hourMs).toISOString());

function schedulesOf(world: MockWorld): ScheduleView[] {
  const known = worlds.get(world);
  if (known !== undefined) return known;
  const common = {
    site: null,
    createdBy: "admin",
    createdAt: new Date(Date.now() - 90 * 24 * hourMs).toISOString(),
    problem: null,
    you: { mayControl: true },
  } as const;
  const made: ScheduleView[] = [
    {
      ...common,
      id: crypto.randomUUID(),
      name: "Nightly backup",
      cron: "30 5 * * *",
      timeZone: "Europe/Berlin",
      overlap: "skip",
      catchUp: "last",
      isPaused: false,
      task: { script: "backup.sh", arguments: [], parameters: { target: "attic" } },
      nextRuns: next(),
      lastRun: { uid: crypto.randomUUID(), at: new Date(Date.now() - 7 * hourMs).toISOString(), state: "succeeded" },
    },
    {
      ...common,
      id: crypto.randomUUID(),
      name: "Clean the guest book",
      site: "robotics",
      cron: "0 18 * * 0",
      timeZone: "UTC",
      overlap: "queue",
      catchUp: "none",
      isPaused: true,
      task: { script: "import-pupils.py", arguments: ["--clean"] },
      nextRuns: next(),
      lastRun: null,
      problem: "It was paused: bruno is no member of robotics any more.",
    },
  ];
  worlds.set(world, made);
  return made;
}

function scheduleOf({ world, params }: MockCall): ScheduleView {
  const found = schedulesOf(world).find(({ id }) => id === params.id);
  if (found === undefined) throw new Failure("schedule_not_found");
  return found;
}

function demandCron(cron: string): void {
  const fields = cron.trim().split(/\s+/).length;
  if (fields !== 5 && fields !== 6) throw new Failure("cron_invalid", { reason: `it has ${fields} fields instead of five` });
}

/** What the pretended manager says of schedules. */
export const mockScheduleHandlers: Readonly<Record<string, MockHandler>> = {
  "schedules.create": ({ world, body }) => {
    // Parsed by the endpoint's schema, which fills in what was left out.
    const { task, ...plan } = body as BodyOf<typeof createSchedule>;
    demandCron(plan.cron);
    const schedule: ScheduleView = {
      ...plan,
      id: crypto.randomUUID(),
      site: task.site ?? null,
      task,
      nextRuns: next(),
      lastRun: null,
      problem: null,
      you: { mayControl: true },
      createdBy: world.me?.username ?? null,
      createdAt: new Date().toISOString(),
    };
    schedulesOf(world).push(schedule);
    return { schedule };
  },
  "schedules.list": ({ world, query }) => ({
    schedules: schedulesOf(world).filter(({ site }) => query.get("site") === null || site === query.get("site")),
    next: null,
  }),
  "schedules.read": (call) => ({ schedule: scheduleOf(call) }),
  "schedules.update": (call) => {
    const schedule = scheduleOf(call);
    const { task, ...plan } = call.body as Partial<NewSchedule>;
    if (plan.cron !== undefined) demandCron(plan.cron);
    Object.assign(schedule, plan, { problem: null }, task === undefined ? {} : { task });
    return { schedule };
  },
  "schedules.delete": (call) => {
    const all = schedulesOf(call.world);
    all.splice(all.indexOf(scheduleOf(call)), 1);
    return undefined;
  },
  "schedules.run": (call) => {
    const { task, site } = scheduleOf(call);
    return { uid: runMockTask(call.world, { ...task, site: site ?? undefined }).uid };
  },
  "schedules.preview": ({ query }) => {
    demandCron(query.get("cron") ?? "* * * * *");
    return { next: next() };
  },
};
