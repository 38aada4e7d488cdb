import type { FastifyRequest } from "fastify";
import type { EndpointShape } from "#contract/endpoint.ts";
import { Failure } from "#contract/failure.ts";
import { scopeAllows, type TokenScope } from "#contract/token-scope.ts";
import type { SessionStore } from "#core/accounts/session-store.ts";
import type { TokenStore } from "#core/accounts/token-store.ts";
import type { Door } from "#core/accounts/user.ts";
import type { OperationStore } from "#core/operations/operation-store.ts";
import { demandSiteVerb, mayPlatform } from "#core/policy/policy.ts";
import type { ScheduleStore } from "#core/schedules/schedule-store.ts";
import type { SiteStore } from "#core/sites/site-store.ts";
import { demandPlaceVerb } from "#core/tasks/task-place.ts";
import type { TaskStore } from "#core/tasks/task-store.ts";
import type { Guard } from "#kit/http/mount.ts";
import type { OperationCaller, PersonCaller, ScheduleCaller, SiteCaller, TaskCaller } from "./callers.ts";
import { hashOf, readCookie, sessionLifetimeMs } from "./session-cookie.ts";

/** What the guards need. */
export interface PersonGuardDeps {
  readonly sessions: SessionStore;
  readonly tokens: TokenStore;
  readonly sites: SiteStore;
  readonly operations: OperationStore;
  readonly tasks: Pick<TaskStore, "forActor">;
  readonly schedules: Pick<ScheduleStore, "forActor">;
  readonly isSecure: boolean;
}

// Writing at each request would make every read a write; this is exact enough for "last used".
const touchEveryMs = 60_000;

/** Guards for people's endpoints: who is it (401), may they see it (404), before any of the body is read. */
export function personGuards(deps: PersonGuardDeps): {
  readonly anyone: Guard<undefined>;
  readonly person: Guard<PersonCaller>;
  readonly site: Guard<SiteCaller>;
  readonly operation: Guard<OperationCaller>;
  readonly task: Guard<TaskCaller>;
  readonly schedule: Guard<ScheduleCaller>;
  /** For what stays open: who it is now; rejects when the session or token counts no more. It is not noted as a use. */
  readonly stillSignedIn: (request: FastifyRequest) => Promise<PersonCaller>;
} {
  const person: Guard<PersonCaller> = async (shape, request) => {
    const caller = await authenticate(deps, request);
    checkScope(shape, caller);
    if (shape.access.kind === "platform" && !mayPlatform(caller.actor.user.role, shape.access.verb)) throw new Failure("administrators_only");
    return caller;
  };
  return {
    anyone: async (_shape, request) => checkOrigin(request, false),
    person,
    site: async (shape, request) => {
      if (shape.access.kind !== "site") throw new Error(`${shape.id} is not about a site`);
      const caller = await person(shape, request);
      const site = await deps.sites.forActor(caller.actor, textParam(request, "name"));
      if (site === null) throw new Failure("site_not_found");
      demandSiteVerb({ userRole: caller.actor.user.role, memberRole: site.role, availability: site.availability }, shape.access.verb);
      return { ...caller, site };
    },
    operation: async (shape, request) => {
      const caller = await person(shape, request);
      const operation = await deps.operations.forActor(caller.actor, textParam(request, "id"));
      if (operation === null) throw new Failure("operation_not_found");
      return { ...caller, operation };
    },
    task: async (shape, request) => {
      if (shape.access.kind !== "task") throw new Error(`${shape.id} is not about a task`);
      const caller = await person(shape, request);
      const task = await deps.tasks.forActor(caller.actor, textParam(request, "uid"));
      if (task === null) throw new Failure("task_not_found");
      demandPlaceVerb(caller.actor, task, shape.access.act === "control" ? "site.tasks" : "site.read");
      return { ...caller, task };
    },
    schedule: async (shape, request) => {
      if (shape.access.kind !== "schedule") throw new Error(`${shape.id} is not about a schedule`);
      const caller = await person(shape, request);
      const schedule = await deps.schedules.forActor(caller.actor, textParam(request, "id"));
      if (schedule === null) throw new Failure("schedule_not_found");
      demandPlaceVerb(caller.actor, schedule, shape.access.act === "control" ? "site.tasks" : "site.read");
      return { ...caller, schedule };
    },
    stillSignedIn: (request) => authenticate(untouched(deps), request),
  };
}

interface Credentials {
  readonly sessions: Pick<SessionStore, "find" | "touch">;
  readonly tokens: Pick<TokenStore, "find" | "touch">;
  readonly isSecure: boolean;
}

function untouched({ sessions, tokens, isSecure }: PersonGuardDeps): Credentials {
  const touch = async (): Promise<void> => undefined;
  return { sessions: { find: (...asked) => sessions.find(...asked), touch }, tokens: { find: (...asked) => tokens.find(...asked), touch }, isSecure };
}

async function authenticate(deps: Credentials, request: FastifyRequest): Promise<PersonCaller> {
  const authorization = request.headers.authorization;
  if (authorization !== undefined) return authenticateToken(deps, request, authorization);
  const secret = readCookie(request.headers.cookie, deps.isSecure);
  if (secret === undefined || secret === "") throw new Failure("not_signed_in");
  const now = new Date();
  const id = hashOf(secret);
  const session = await deps.sessions.find(id, now);
  if (session === null) throw new Failure("not_signed_in");
  checkOrigin(request, true);
  if (now.getTime() - session.lastSeenAt.getTime() > touchEveryMs) await deps.sessions.touch(id, now, new Date(now.getTime() + sessionLifetimeMs));
  return { actor: { user: session.user, scopes: ["full"], door: "web", address: request.ip }, sessionId: id };
}

async function authenticateToken(deps: Credentials, request: FastifyRequest, authorization: string): Promise<PersonCaller> {
  const [scheme, secret] = authorization.split(" ");
  if (scheme?.toLowerCase() !== "bearer" || secret === undefined || secret === "") throw new Failure("not_signed_in");
  const now = new Date();
  const found = await deps.tokens.find(hashOf(secret), now);
  if (found === null) throw new Failure("not_signed_in");
  const lastUsed = found.token.lastUsedAt?.getTime() ?? 0;
  if (now.getTime() - lastUsed > touchEveryMs) await deps.tokens.touch(found.token.id, now);
  const door: Door = request.headers["user-agent"]?.startsWith("backlot-cli/") ? "cli" : "api";
  return { actor: { user: found.user, scopes: found.token.scopes, door, address: request.ip }, sessionId: null };
}

function checkScope(shape: EndpointShape, caller: PersonCaller): void {
  const asked: TokenScope = "scope" in shape.access ? shape.access.scope : "full";
  if (!scopeAllows(caller.actor.scopes, asked)) throw new Failure("scope_too_small", { scope: asked });
}

/**
 * A browser says with every unsafe request from which page it comes, and with every WebSocket, which no other rule of browsers keeps to
 * its own site. A session's request must say so, and name this very host;
 * a request without a session (signing in) must not name another.
 */
function checkOrigin(request: FastifyRequest, isRequired: boolean): undefined {
  const isSafe = request.method === "GET" || request.method === "HEAD";
  if (isSafe && request.headers.upgrade?.toLowerCase() !== "websocket") return undefined;
  const origin = request.headers.origin;
  if (origin === undefined) {
    if (isRequired) throw new Failure("origin_refused");
    return undefined;
  }
  if (!URL.canParse(origin) || new URL(origin).host !== request.headers.host) throw new Failure("origin_refused");
  return undefined;
}

function textParam(request: FastifyRequest, name: string): string {
  const params = request.params;
  if (typeof params !== "object" || params === null || !(name in params)) throw new Error(`the path has no ${name}`);
  return String((params as Record<string, unknown>)[name]).slice(0, 300);
}
