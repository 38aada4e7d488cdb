import { Readable } from "node:stream";
import type { FastifyInstance, FastifyRequest } from "fastify";
import * as api from "#contract/api/tasks.ts";
import { Failure } from "#contract/failure.ts";
import { isTaskEnded } from "#contract/task.ts";
import type { Actor } from "#core/accounts/user.ts";
import { cancelTask } from "#core/tasks/cancel-task.ts";
import { chartRange } from "#core/tasks/chart-range.ts";
import { type CreateTaskDeps, createTask } from "#core/tasks/create-task.ts";
import { rerunTask } from "#core/tasks/rerun-task.ts";
import { taskDetails } from "#core/tasks/task-note.ts";
import { demandPlaceVerb, placeFor } from "#core/tasks/task-place.ts";
import type { ActorTask, TaskFilter } from "#core/tasks/task-store.ts";
import { eventStream } from "#kit/http/event-stream.ts";
import { Answer, mount } from "#kit/http/mount.ts";
import type { Note } from "./audit-trail.ts";
import type { TaskCaller } from "./callers.ts";
import type { personGuards } from "./person-guard.ts";
import { released } from "./released.ts";
import type { StreamAccess } from "./stream-access.ts";
import { type FollowedOutput, followOutput, outputSoFar, type TaskOutputDeps } from "./task-output.ts";
import { attemptViewOf, taskViewOf } from "./task-views.ts";

/** What the endpoints of tasks need. */
export interface TasksApiDeps extends CreateTaskDeps, TaskOutputDeps {
  readonly guards: ReturnType<typeof personGuards>;
  readonly access: Pick<StreamAccess, "signalFor">;
  readonly note: Note;
}

/** A hint may be lost; looking this often makes up for it. */
const lookEveryMs = 2_000;
/** Points of the chart of free space. */
const maxDiskPoints = 1_000;

/** Serves tasks, their output, the scripts that there are, and charts. */
export function mountTasks(app: FastifyInstance, deps: TasksApiDeps): void {
  mountCreation(app, deps);
  mountReading(app, deps);
  mountOutput(app, deps);
  mountScripts(app, deps);
  mountCharts(app, deps);
}

function mountCreation(app: FastifyInstance, deps: TasksApiDeps): void {
  const { guards } = deps;
  mount({ app, guard: guards.person }, api.createTask, async ({ body, caller, request }) => {
    const { task, isNew } = await createTask(deps, caller.actor, { body, idempotencyKey: idempotencyKeyOf(request) });
    // The same answer again, but nothing was created.
    return new Answer({ task: taskViewOf(task, caller.actor) }, { status: isNew ? 201 : 200 });
  });
  mount({ app, guard: guards.task }, api.rerunTask, async ({ caller, request }) => {
    const { task, isNew } = await rerunTask(deps, caller.actor, { task: caller.task, idempotencyKey: idempotencyKeyOf(request) });
    if (!isNew) return new Answer({ task: taskViewOf(task, caller.actor) }, { status: 200 });
    // Only whoever set the environment, or an administrator, runs it again with it.
    const dropped = caller.task.environmentNames.filter((name) => !task.environmentNames.includes(name));
    await noteTask(deps, caller.actor, { action: "tasks.rerun", task, dropped });
    return { task: taskViewOf(task, caller.actor) };
  });
  mount({ app, guard: guards.task }, api.cancelTask, async ({ caller }) => {
    const { task, isAsked } = await cancelTask(deps.tasks, caller.task);
    if (isAsked) await noteTask(deps, caller.actor, { action: "tasks.cancel", task });
    return { task: taskViewOf(task, caller.actor) };
  });
}

function mountReading(app: FastifyInstance, deps: TasksApiDeps): void {
  const { guards, tasks } = deps;
  mount({ app, guard: guards.person }, api.listTasks, async ({ query, caller: { actor } }) => {
    const { cursor, limit, site: name, home, state, schedule, since, until, ...filter } = query;
    const site = name === undefined ? null : await placeFor(deps.sites, actor, { site: name, verb: "site.read" });
    const asked: TaskFilter = {
      ...filter,
      siteId: site?.id,
      isHome: home,
      states: state === undefined ? undefined : [state].flat(),
      scheduleId: schedule,
      since: since === undefined ? undefined : new Date(since),
      until: until === undefined ? undefined : new Date(until),
    };
    const page = await tasks.listFor(actor, asked, { cursor, limit });
    return { tasks: page.items.map((task) => taskViewOf(task, actor)), next: page.next };
  });
  mount({ app, guard: guards.task }, api.readTask, async ({ caller: { actor, task } }) => {
    const attempts = mayHaveEarlier(task) ? await tasks.earlierAttempts(task) : [];
    return { task: taskViewOf(task, actor), attempts: attempts.map(attemptViewOf) };
  });
  mount({ app, guard: guards.task }, api.followTask, async ({ caller, request, signal }) => {
    const watch = deps.access.signalFor({ caller, request, signal }, caller.task.actorSite);
    return released(eventStream(progressOf(deps, caller, watch.signal), watch.signal), watch.release);
  });
}

/** Most tasks need one attempt: they cost no second question. One that waits for its next, or was cancelled then, has its only one among the earlier. */
function mayHaveEarlier({ attempt, state, result }: ActorTask): boolean {
  return attempt > 1 || (attempt === 1 && state !== "running" && result === null);
}

async function* progressOf(deps: TasksApiDeps, { actor, task: { uid } }: TaskCaller, signal: AbortSignal): AsyncGenerator<unknown> {
  let shown = "";
  while (!signal.aborted) {
    const news = deps.hints.wait(uid, { maxMs: lookEveryMs, signal });
    const task = await deps.tasks.forActor(actor, uid);
    if (task === null) return;
    const view = taskViewOf(task, actor);
    const text = JSON.stringify(view);
    if (text !== shown) yield view;
    shown = text;
    if (isTaskEnded(task.state)) return;
    await news;
  }
}

function mountOutput(app: FastifyInstance, deps: TasksApiDeps): void {
  mount({ app, guard: deps.guards.task }, api.readTaskLog, async ({ params, query, caller, request, signal }) => {
    const { actor, task } = caller;
    demandPlaceVerb(actor, task, "site.logs");
    const watch = deps.access.signalFor({ caller, request, signal }, task.actorSite);
    const asked = { actor, task, stream: params.stream, signal: watch.signal };
    if (query.follow) {
      const pieces = followOutput(deps, { ...asked, ...(lastEventIdOf(request) ?? { offset: query.offset }) });
      const headers = { "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no" };
      return new Answer(released(eventStream(pieces, watch.signal, eventIdOf), watch.release), { headers });
    }
    try {
      const { next, text } = await outputSoFar(deps, { ...asked, offset: query.offset });
      const headers = { "cache-control": "no-store", "x-content-type-options": "nosniff", "x-backlot-next-offset": String(next) };
      return new Answer(released(Readable.from(text), watch.release), { headers });
    } catch (error) {
      watch.release();
      throw error;
    }
  });
}

function mountScripts(app: FastifyInstance, deps: TasksApiDeps): void {
  const { guards, scripts } = deps;
  // Both the manager and the orchestrator have to allow commands.
  const shown = async (siteId: number | null) => {
    const list = await scripts.list(siteId);
    return { scripts: [...list.scripts], allowsCommands: list.allowsCommands && deps.allowsCommands };
  };
  mount({ app, guard: guards.person }, api.listHomeScripts, async () => shown(null));
  mount({ app, guard: guards.site }, api.listScriptsOfSite, async ({ caller }) => shown(caller.site.id));
}

function mountCharts(app: FastifyInstance, deps: TasksApiDeps): void {
  mount({ app, guard: deps.guards.person }, api.readTaskCharts, async ({ query, caller: { actor } }) => {
    const range = chartRange(query, new Date());
    const site = query.site === undefined ? null : await placeFor(deps.sites, actor, { site: query.site, verb: "site.read" });
    const siteId = site?.id ?? null;
    const [days, disk] = await Promise.all([
      deps.tasks.days(actor, { siteId, since: range.since, until: range.until, timeZone: query.timeZone }),
      deps.tasks.disk(actor, { siteId, since: range.from, until: range.to, limit: maxDiskPoints }),
    ]);
    return { days: [...days], disk: disk.map(({ at, ...point }) => ({ ...point, at: at.toISOString() })) };
  });
}

async function noteTask(
  deps: TasksApiDeps,
  actor: Actor,
  deed: { readonly action: string; readonly task: ActorTask; readonly dropped?: readonly string[] },
): Promise<void> {
  const { action, task, dropped } = deed;
  await deps.note(actor, action, { ...(task.actorSite === null ? {} : { site: task.actorSite }), details: taskDetails(task, dropped) });
}

/** @throws {Failure} `input_invalid`. */
function idempotencyKeyOf(request: FastifyRequest): string | null {
  const key = request.headers["idempotency-key"];
  if (key === undefined) return null;
  if (typeof key !== "string" || !/^[\x20-\x7e]{1,200}$/.test(key)) {
    throw new Failure("input_invalid", { detail: "the header Idempotency-Key: 1 to 200 printable ASCII characters." });
  }
  return key;
}

/** Where a client goes on that comes back after this piece: an offset is one of an attempt, and the next attempt begins anew. */
function eventIdOf({ attempt, next }: FollowedOutput): string {
  return `${attempt}-${next}`;
}

/** Anything but an id of ours is nobody's. */
function lastEventIdOf(request: FastifyRequest): { readonly attempt: number; readonly offset: number } | null {
  const id = request.headers["last-event-id"];
  const [, attempt, offset] = (typeof id === "string" && /^(\d{1,9})-(\d{1,15})$/.exec(id)) || [];
  return attempt === undefined || offset === undefined ? null : { attempt: Number(attempt), offset: Number(offset) };
}
