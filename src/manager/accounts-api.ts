import { randomUUID } from "node:crypto";
import type { FastifyInstance } from "fastify";
import * as api from "#contract/api/accounts.ts";
import { Failure } from "#contract/failure.ts";
import type { AttemptStore } from "#core/accounts/attempt-store.ts";
import { createUser } from "#core/accounts/create-user.ts";
import { checkPassword, type PasswordHasher } from "#core/accounts/password.ts";
import type { SessionStore } from "#core/accounts/session-store.ts";
import { type SignInDeps, signIn } from "#core/accounts/sign-in.ts";
import type { ApiToken, TokenStore } from "#core/accounts/token-store.ts";
import type { User } from "#core/accounts/user.ts";
import type { UserStore } from "#core/accounts/user-store.ts";
import type { AuditStore } from "#core/audit/audit-store.ts";
import { Answer, mount } from "#kit/http/mount.ts";
import type { Note } from "./audit-trail.ts";
import { noteFailedSignIn } from "./failed-sign-in.ts";
import type { FirstAdministrator } from "./first-administrator.ts";
import type { KnownDevices } from "./known-devices.ts";
import type { personGuards } from "./person-guard.ts";
import { hashOf, newSecret, sessionLifetimeMs, setCookie } from "./session-cookie.ts";
import { auditViewOf, userViewOf } from "./views.ts";

/** What the accounts' endpoints need. */
export interface AccountsDeps {
  readonly guards: ReturnType<typeof personGuards>;
  readonly users: UserStore;
  readonly sessions: SessionStore;
  readonly tokens: TokenStore;
  readonly attempts: AttemptStore;
  readonly audit: AuditStore;
  readonly hasher: PasswordHasher;
  readonly decoyHash: string;
  readonly holdBack?: SignInDeps["holdBack"];
  readonly inTurn?: SignInDeps["inTurn"];
  readonly devices: KnownDevices;
  readonly firstAdministrator: FirstAdministrator;
  readonly note: Note;
  readonly isSecure: boolean;
}

/** Serves sign-in, tokens, people and the audit trail. */
export function mountAccounts(app: FastifyInstance, deps: AccountsDeps): void {
  mountSessions(app, deps);
  mountTokens(app, deps);
  mountUsers(app, deps);
}

interface Requester {
  readonly ip: string;
  readonly headers: { readonly "user-agent"?: string | undefined; readonly cookie?: string | undefined };
}

function mountSessions(app: FastifyInstance, deps: AccountsDeps): void {
  const { guards, isSecure, note, devices } = deps;
  const begin = async (user: User, request: Requester): Promise<Record<string, string[]>> => {
    const secret = newSecret();
    const createdAt = new Date();
    const expiresAt = new Date(createdAt.getTime() + sessionLifetimeMs);
    const isOpen = await deps.sessions.create({
      id: hashOf(secret),
      user,
      createdAt,
      expiresAt,
      address: request.ip,
      userAgent: request.headers["user-agent"]?.slice(0, 300) ?? null,
    });
    // Since the password was looked at it was changed, or the person's access has ended.
    if (!isOpen) throw new Failure("credentials_wrong");
    await note({ user, scopes: ["full"], door: "web", address: request.ip }, "session.create");
    return { "set-cookie": [setCookie(secret, isSecure), devices.remember(request.headers.cookie, user.username)] };
  };

  mount({ app, guard: guards.anyone }, api.signIn, async ({ body, request }) => {
    const device = devices.find(request.headers.cookie, body.username);
    const asked = { ...body, address: request.ip, device };
    const open = async () => {
      const user = await signIn({ ...deps, now: () => new Date() }, asked);
      return new Answer({ user: userViewOf(user) }, { headers: await begin(user, request) });
    };
    return open().catch(async (error: unknown) => {
      await noteFailedSignIn(deps.audit, error, { username: body.username, door: "web", address: request.ip });
      throw error;
    });
  });
  mount({ app, guard: guards.person }, api.readSession, async ({ caller }) => ({ user: userViewOf(caller.actor.user) }));
  mount({ app, guard: guards.person }, api.signOut, async ({ caller }) => {
    if (caller.sessionId !== null) {
      await deps.sessions.delete(caller.sessionId);
      await note(caller.actor, "session.delete");
    }
    return new Answer(undefined, { headers: { "set-cookie": setCookie("", isSecure) } });
  });
  mount({ app, guard: guards.anyone }, api.setUp, async ({ body, request }) => {
    const user = await deps.firstAdministrator.redeem(body.secret, body.password);
    return new Answer({ user: userViewOf(user) }, { headers: await begin(user, request) });
  });
  mount({ app, guard: guards.person }, api.changePassword, async ({ body, caller }) => {
    const { user } = caller.actor;
    checkPassword(body.newPassword);
    // Whoever holds the session is known already.
    const asked = { username: user.username, password: body.currentPassword, address: caller.actor.address ?? "", device: caller.sessionId ?? undefined };
    const { epoch } = await signIn({ ...deps, now: () => new Date() }, asked);
    const passwordHash = await deps.hasher.hash(body.newPassword);
    await deps.users.update(user.id, { passwordHash, keepSession: caller.sessionId ?? undefined, epoch });
    await note(caller.actor, "password.update");
    return undefined;
  });
}

function mountTokens(app: FastifyInstance, deps: AccountsDeps): void {
  const { guards, note } = deps;
  mount({ app, guard: guards.person }, api.createToken, async ({ body, caller }) => {
    const secret = `blt_${newSecret()}`;
    const token = await deps.tokens.create({
      id: randomUUID(),
      user: caller.actor.user,
      name: body.name,
      secretHash: hashOf(secret),
      scopes: body.scopes,
      expiresAt: body.expiresAt === undefined ? null : new Date(body.expiresAt),
    });
    if (token === null) throw new Failure("not_signed_in");
    await note(caller.actor, "tokens.create", { details: { name: body.name, scopes: body.scopes } });
    return { id: token.id, secret, token: tokenViewOf(token) };
  });
  mount({ app, guard: guards.person }, api.listTokens, async ({ caller }) => ({ tokens: (await deps.tokens.list(caller.actor.user.id)).map(tokenViewOf) }));
  mount({ app, guard: guards.person }, api.deleteToken, async ({ params, caller }) => {
    if (!isUuid(params.id) || !(await deps.tokens.delete(caller.actor.user.id, params.id))) throw new Failure("token_not_found");
    await note(caller.actor, "tokens.delete", { details: { id: params.id } });
    return undefined;
  });
}

function mountUsers(app: FastifyInstance, deps: AccountsDeps): void {
  const { guards, note, users } = deps;
  mount({ app, guard: guards.person }, api.createUser, async ({ body, caller }) => {
    const user = await createUser(deps, body);
    await note(caller.actor, "users.create", { details: { username: user.username, role: user.role } });
    return { user: userViewOf(user) };
  });
  mount({ app, guard: guards.person }, api.listUsers, async ({ query }) => {
    const page = await users.list(query);
    return { users: page.items.map(userViewOf), next: page.next };
  });
  mount({ app, guard: guards.person }, api.updateUser, async ({ params, body, caller }) => {
    const found = await users.byUsername(params.username);
    if (found === null) throw new Failure("user_not_found");
    if (body.password !== undefined) checkPassword(body.password);
    const passwordHash = body.password === undefined ? undefined : await deps.hasher.hash(body.password);
    const user = await users.update(found.id, { role: body.role, isActive: body.isActive, passwordHash });
    await note(caller.actor, "users.update", { details: { username: user.username, changed: Object.keys(body) } });
    return { user: userViewOf(user) };
  });
  mount({ app, guard: guards.person }, api.listAudit, async ({ query }) => {
    const page = await deps.audit.list(query);
    return { entries: page.items.map(auditViewOf), next: page.next };
  });
}

function tokenViewOf(token: ApiToken) {
  return {
    id: token.id,
    name: token.name,
    scopes: [...token.scopes],
    createdAt: token.createdAt.toISOString(),
    expiresAt: token.expiresAt?.toISOString() ?? null,
    lastUsedAt: token.lastUsedAt?.toISOString() ?? null,
  };
}

function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);
}
