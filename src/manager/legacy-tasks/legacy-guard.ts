import type { FastifyRequest } from "fastify";
import type { EndpointShape } from "#contract/endpoint.ts";
import { Failure } from "#contract/failure.ts";
import type { Actor } from "#core/accounts/user.ts";
import { mayPlatform } from "#core/policy/policy.ts";
import { ConfigError } from "#kit/config.ts";
import type { Guard } from "#kit/http/mount.ts";
import type { PersonCaller } from "../callers.ts";
import type { BasicSignIn } from "./basic-sign-in.ts";

/** What the guard needs. */
export interface LegacyGuardDeps {
  readonly person: Guard<PersonCaller>;
  readonly basic: BasicSignIn;
  /** Everybody on this machine is let in without signing in. */
  readonly isOpen: boolean;
}

// What the guard of everybody else is asked: a token with the scope, or an administrator's session.
const shape: EndpointShape = {
  id: "legacy.tasks",
  method: "GET",
  path: "/task/",
  summary: "The original's task API",
  access: { kind: "platform", verb: "tasks.home", scope: "tasks" },
  status: 200,
};

/**
 * Who asks, by the request's head alone; null for someone without a name, where the API is open.
 * @throws {Failure} `not_signed_in`, `credentials_wrong`, `too_many_attempts`, `scope_too_small`, `administrators_only`, `origin_refused`.
 */
export async function legacyCaller(deps: LegacyGuardDeps, request: FastifyRequest): Promise<Actor | null> {
  checkOrigin(request);
  const { authorization } = request.headers;
  if (authorization === undefined && deps.isOpen) {
    // A page of the internet whose name leads to this machine is not this machine.
    if (!isLoopbackHost(hostnameOf(request.headers.host))) throw new Failure("origin_refused");
    return null;
  }
  if (authorization === undefined || !/^basic /i.test(authorization)) return (await deps.person(shape, request)).actor;
  const user = await deps.basic.user(authorization, request.ip);
  if (!mayPlatform(user.role, "tasks.home")) throw new Failure("administrators_only");
  return { user, scopes: ["full"], door: "api", address: request.ip };
}

/**
 * Refuses to open the API without sign-in to anyone but this machine: whoever reaches it can run programs.
 * @throws {ConfigError}
 */
export function checkOpenApi(config: { readonly isOpen: boolean; readonly host: string; readonly publicUrl: string | undefined }): void {
  if (!config.isOpen) return;
  const remedy = "unset BACKLOT_TASK_API_OPEN and let clients send a token or HTTP Basic, or let the dashboard listen at 127.0.0.1 only";
  const problems: string[] = [];
  if (!isLoopbackHost(config.host.toLowerCase())) {
    problems.push(`BACKLOT_TASK_API_OPEN: without sign-in, whoever reaches ${config.host} could run programs here; ${remedy}`);
  }
  const shown = config.publicUrl === undefined ? undefined : new URL(config.publicUrl).hostname;
  if (shown !== undefined && !isLoopbackHost(shown)) {
    problems.push(`BACKLOT_TASK_API_OPEN: BACKLOT_PUBLIC_URL says that a proxy brings others in as ${shown}, who could run programs here; ${remedy}`);
  }
  if (problems.length > 0) throw new ConfigError(problems);
}

// Browsers send HTTP Basic by themselves once it was typed in, to pages of others too.
function checkOrigin(request: FastifyRequest): void {
  const { origin, host } = request.headers;
  if (request.method === "GET" || request.method === "HEAD" || origin === undefined) return;
  if (!URL.canParse(origin) || new URL(origin).host !== host) throw new Failure("origin_refused");
}

function hostnameOf(host: string | undefined): string {
  return host !== undefined && URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : "";
}

function isLoopbackHost(host: string): boolean {
  return host === "localhost" || host === "::1" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host);
}
