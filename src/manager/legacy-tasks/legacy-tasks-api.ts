// The task API of the original, remote-executor, at its own addresses. It stands beside /api/v1: its errors, its JSON and
// its status codes are those that its clients know.
import { randomUUID } from "node:crypto";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { Failure } from "#contract/failure.ts";
import type { ScriptManual } from "#contract/task.ts";
import type { Actor } from "#core/accounts/user.ts";
import type { AuditStore } from "#core/audit/audit-store.ts";
import type { ScriptShelf } from "#core/tasks/script-shelf.ts";
import type { NewTask } from "#core/tasks/task.ts";
import { limitsFor, retryFor } from "#core/tasks/task-limits.ts";
import type { LegacyTaskStore } from "#core/tasks/task-store.ts";
import { bodyPace, readWhole } from "#kit/http/whole-body.ts";
import { chartPagePolicy, dailyPage, diskPage } from "./chart-page.ts";
import { type LegacyAddress, legacyAddress, monthOf, parseDay, parseUid } from "./legacy-address.ts";
import { type LegacyGuardDeps, legacyCaller } from "./legacy-guard.ts";
import { type LegacyPlan, planLegacyRun } from "./legacy-plan.ts";
import { type LegacyCreate, readLegacyCreate } from "./legacy-request.ts";
import { legacyRequestOf, rowOf } from "./legacy-row.ts";
import { listedDay } from "./listed-day.ts";
import { pythonJson } from "./python-text.ts";
import { JsonProblem, type PythonValue, parsePythonJson } from "./python-value.ts";

/** What the original's API needs. */
export interface LegacyTasksDeps extends LegacyGuardDeps {
  readonly tasks: LegacyTaskStore;
  readonly audit: AuditStore;
  readonly scripts: Pick<ScriptShelf, "find">;
  readonly allowsCommands: boolean;
  readonly maxWaiting: number;
  readonly now: () => Date;
}

const maxBodyBytes = 1_048_576;
const maxChartPoints = 500;
const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/** Serves `/task/…`. */
export async function mountLegacyTasks(app: FastifyInstance, deps: LegacyTasksDeps): Promise<void> {
  await app.register(async (scope) => {
    const callers = new WeakMap<FastifyRequest, Actor | null>();
    // The body is JSON whatever its type says, so nobody looks at what it says.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", (_request, _payload, done) => done(null, undefined));
    scope.setErrorHandler(answerFailure);
    scope.route({
      method: methods,
      url: "/task/*",
      exposeHeadRoute: false,
      onRequest: async (request, reply) => {
        reply.header("cache-control", "no-store").header("x-content-type-options", "nosniff");
        callers.set(request, await legacyCaller(deps, request));
        delete request.raw.headers["content-type"];
      },
      handler: (request, reply) => answer(deps, { caller: callers.get(request) ?? null, request, reply }),
    });
  });
}

interface Asked {
  readonly caller: Actor | null;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

async function answer(deps: LegacyTasksDeps, asked: Asked): Promise<FastifyReply> {
  const { request, reply } = asked;
  const address = legacyAddress(request.raw.url ?? "");
  const isRead = request.method === "GET";
  switch (address.kind) {
    case "nothing":
      return reply.code(404).send();
    case "index":
      return isRead || request.method === "HEAD" ? reply.type("text/html; charset=utf-8").send("Hello, world") : reply.code(405).send();
    case "create":
      return request.method === "POST" ? create(deps, asked) : reply.code(405).send();
    case "daily-chart":
    case "disk-chart":
      return chart(deps, address.kind, asked);
    default: {
      const found = await view(deps, address);
      if ("problem" in found) return reply.code(400).type("text/plain; charset=utf-8").send(found.problem);
      if ("value" in found && found.value === null) return reply.code(404).send();
      // Also for HEAD, as in the original; what is not there is 404 first.
      if (!isRead) return reply.code(405).send();
      if ("value" in found) return sendJson(reply, 200, found.value);
      return reply.header("content-type", "application/json").send(await listedDay(deps.tasks.onDay(found.day)));
    }
  }
}

/** A whole day is read only when it is sent. */
type Viewed = { readonly problem: string } | { readonly value: PythonValue } | { readonly day: { readonly from: Date; readonly until: Date } };
type View = Extract<LegacyAddress, { readonly kind: "by-id" | "by-uid" | "day" }>;

async function view(deps: LegacyTasksDeps, address: View): Promise<Viewed> {
  if (address.kind === "by-id") {
    const id = Number(address.digits);
    const task = Number.isSafeInteger(id) ? await deps.tasks.byId(id) : null;
    return { value: task === null ? null : rowOf(task) };
  }
  if (address.kind === "by-uid") {
    const uid = parseUid(address.text);
    if (uid === null) return { problem: `'${address.text}' is not a valid UUID.` };
    const task = await deps.tasks.byUid(uid);
    return { value: task === null ? null : rowOf(task) };
  }
  const day = parseDay(address.date, deps.now());
  // Three Ys, as the original's clients know it.
  if (day === null) return { problem: "Invalid date. Use YYYMMDD." };
  if (address.isCount) return { value: { int: String(await deps.tasks.countOnDay(day)) } };
  return { day };
}

async function chart(deps: LegacyTasksDeps, kind: "daily-chart" | "disk-chart", { request, reply }: Asked): Promise<FastifyReply> {
  reply.header("allow", "GET, HEAD, OPTIONS");
  if (request.method === "OPTIONS") return reply.send();
  if (request.method !== "GET" && request.method !== "HEAD") return reply.code(405).send();
  const month = monthOf(deps.now());
  const html =
    kind === "daily-chart"
      ? dailyPage(month, await deps.tasks.countPerDay(month))
      : diskPage(month, await deps.tasks.freeSpace({ ...month, limit: maxChartPoints }));
  return reply.header("content-security-policy", chartPagePolicy).type("text/html; charset=utf-8").send(html);
}

async function create(deps: LegacyTasksDeps, { caller, request, reply }: Asked): Promise<FastifyReply> {
  const body = await readBody(request);
  if ("problem" in body) return sendJson(reply, 400, detail(body.problem));
  const read = readLegacyCreate(body.value);
  if ("errors" in read) return sendJson(reply, 400, read.errors);
  const uid = randomUUID();
  const planned = planLegacyRun(read.create, { uid, allowsCommands: deps.allowsCommands });
  if ("errors" in planned) return sendJson(reply, 400, planned.errors);
  const manual = await manualFor(deps, planned.plan);
  const asked = newTask(planned.plan, { uid, caller, manual, create: read.create });
  const { task } = await deps.tasks.create(asked, { maxWaiting: deps.maxWaiting });
  await note(deps, { caller, request, reply }, { uid, script: read.create.script });
  return sendJson(reply, 201, rowOf(task));
}

/** What stands beside the script. The original's web asked nobody: an orchestrator that is away keeps no task from being taken. */
async function manualFor({ scripts }: LegacyTasksDeps, { program }: LegacyPlan): Promise<ScriptManual> {
  if (program.kind === "command") return {};
  try {
    return (await scripts.find(null, program.path))?.manual ?? {};
  } catch (error) {
    if (error instanceof Failure) return {};
    throw error;
  }
}

function newTask(
  plan: LegacyPlan,
  from: { readonly uid: string; readonly caller: Actor | null; readonly manual: ScriptManual; readonly create: LegacyCreate },
): NewTask {
  const { manual } = from;
  return {
    uid: from.uid,
    siteId: null,
    program: plan.program,
    arguments: plan.arguments,
    legacy: legacyRequestOf(from.create.script, from.create.arguments),
    sealedEnvironment: null,
    environmentNames: [],
    priority: manual.priority ?? 0,
    retry: retryFor(manual, undefined),
    limits: limitsFor({ manual, timeoutSeconds: undefined, siteLimits: null, isAdministrator: true }),
    scriptConcurrency: manual.concurrency ?? null,
    createdById: from.caller?.user.id ?? null,
    scheduleId: null,
    rerunOf: null,
    idempotencyKey: null,
    runAt: null,
  };
}

async function note(deps: LegacyTasksDeps, { caller, request }: Asked, details: Readonly<Record<string, unknown>>): Promise<void> {
  await deps.audit.record({
    actorId: caller?.user.id ?? null,
    actorName: caller?.user.username ?? null,
    door: caller?.door ?? "api",
    address: request.ip,
    action: "tasks.create",
    siteId: null,
    siteName: null,
    details,
  });
}

async function readBody(request: FastifyRequest): Promise<{ readonly value: PythonValue } | { readonly problem: string }> {
  try {
    const bytes = await readWhole(request.raw, { mostBytes: maxBodyBytes, ...bodyPace });
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return { value: parsePythonJson(text) };
  } catch (error) {
    if (error instanceof Failure && error.code === "body_too_large") return { problem: `The body is larger than ${maxBodyBytes} bytes.` };
    if (error instanceof JsonProblem) return { problem: `JSON parse error - ${error.message}` };
    if (error instanceof TypeError) return { problem: "JSON parse error - the body is not UTF-8" };
    throw error;
  }
}

function answerFailure(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const failure = error instanceof Failure ? error : new Failure("internal", { requestId: request.id });
  if (failure !== error) request.log.error({ err: error }, "request failed unexpectedly");
  if (failure.status === 401) reply.header("www-authenticate", 'Basic realm="Backlot", charset="UTF-8"');
  const retryAfter = failure.details.retryAfterSeconds;
  if (typeof retryAfter === "number") reply.header("retry-after", String(retryAfter));
  return sendJson(reply, failure.status, detail(failure.message));
}

function detail(text: string): PythonValue {
  return { dict: [["detail", text]] };
}

function sendJson(reply: FastifyReply, status: number, value: PythonValue): FastifyReply {
  // As bytes: to text Fastify would add a charset that the original does not name.
  return reply
    .code(status)
    .header("content-type", "application/json")
    .send(Buffer.from(pythonJson(value)));
}
