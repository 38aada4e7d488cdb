import { z } from "zod";
import { endpoint } from "../endpoint.ts";
import { timestamp } from "../site.ts";
import { tokenScopes } from "../token-scope.ts";
import { auditView, pageQuery, userRole, userView } from "./views.ts";

const password = z.string().max(1000);
const username = z.string().max(300);

export const signIn = endpoint({
  id: "session.create",
  method: "POST",
  path: "/api/v1/session",
  summary: "Sign in with user name and password; sets the session cookie",
  access: { kind: "anyone" },
  body: z.strictObject({ username, password }),
  result: z.object({ user: userView }),
  status: 201,
  failures: ["credentials_wrong", "too_many_attempts"],
});

export const readSession = endpoint({
  id: "session.read",
  method: "GET",
  path: "/api/v1/session",
  summary: "Who am I",
  access: { kind: "signed-in", scope: "read" },
  result: z.object({ user: userView }),
  status: 200,
});

export const signOut = endpoint({
  id: "session.delete",
  method: "DELETE",
  path: "/api/v1/session",
  summary: "Sign out; ends this session",
  access: { kind: "signed-in", scope: "full" },
  status: 204,
});

export const setUp = endpoint({
  id: "setup.create",
  method: "POST",
  path: "/api/v1/setup",
  summary: "Set the first administrator's password with the one-time link printed at the first start",
  access: { kind: "anyone" },
  body: z.strictObject({ secret: z.string().max(200), password }),
  result: z.object({ user: userView }),
  status: 201,
  failures: ["setup_link_invalid", "password_too_weak"],
});

export const changePassword = endpoint({
  id: "password.update",
  method: "PUT",
  path: "/api/v1/session/password",
  summary: "Change my password; ends every other session of mine",
  access: { kind: "signed-in", scope: "full" },
  body: z.strictObject({ currentPassword: password, newPassword: password }),
  status: 204,
  failures: ["credentials_wrong", "password_too_weak"],
});

const tokenView = z.object({
  id: z.uuid(),
  name: z.string(),
  scopes: z.array(z.enum(tokenScopes)),
  createdAt: timestamp,
  expiresAt: timestamp.nullable(),
  lastUsedAt: timestamp.nullable(),
});

export const createToken = endpoint({
  id: "tokens.create",
  method: "POST",
  path: "/api/v1/tokens",
  summary: "Make an API token; its secret is shown only in this answer",
  access: { kind: "signed-in", scope: "full" },
  body: z.strictObject({
    name: z.string().trim().min(1).max(100),
    scopes: z.array(z.enum(tokenScopes)).min(1).default(["full"]),
    expiresAt: timestamp.optional(),
  }),
  result: z.object({ id: z.uuid(), secret: z.string(), token: tokenView }),
  status: 201,
});

export const listTokens = endpoint({
  id: "tokens.list",
  method: "GET",
  path: "/api/v1/tokens",
  summary: "My API tokens, without their secrets",
  access: { kind: "signed-in", scope: "full" },
  result: z.object({ tokens: z.array(tokenView) }),
  status: 200,
});

export const deleteToken = endpoint({
  id: "tokens.delete",
  method: "DELETE",
  path: "/api/v1/tokens/:id",
  summary: "Revoke an API token of mine",
  access: { kind: "signed-in", scope: "full" },
  params: z.object({ id: z.string().max(100) }),
  status: 204,
  failures: ["token_not_found"],
});

export const createUser = endpoint({
  id: "users.create",
  method: "POST",
  path: "/api/v1/users",
  summary: "Add a person",
  access: { kind: "platform", verb: "users.manage", scope: "full" },
  body: z.strictObject({ username, password, role: userRole.default("member") }),
  result: z.object({ user: userView }),
  status: 201,
  failures: ["username_taken", "username_invalid", "password_too_weak"],
});

export const listUsers = endpoint({
  id: "users.list",
  method: "GET",
  path: "/api/v1/users",
  summary: "Everyone, by user name",
  access: { kind: "platform", verb: "users.read", scope: "read" },
  query: pageQuery.extend({ search: z.string().max(100).optional() }),
  result: z.object({ users: z.array(userView), next: z.string().nullable() }),
  status: 200,
});

export const updateUser = endpoint({
  id: "users.update",
  method: "PATCH",
  path: "/api/v1/users/:username",
  summary: "Change a person's role, password or access; a change of password or access ends their sessions",
  access: { kind: "platform", verb: "users.manage", scope: "full" },
  params: z.object({ username }),
  body: z.strictObject({ role: userRole.optional(), password: password.optional(), isActive: z.boolean().optional() }),
  result: z.object({ user: userView }),
  status: 200,
  failures: ["user_not_found", "last_administrator", "password_too_weak"],
});

export const listAudit = endpoint({
  id: "audit.list",
  method: "GET",
  path: "/api/v1/audit",
  summary: "Who did what on the whole installation, newest first",
  access: { kind: "platform", verb: "audit.read", scope: "read" },
  query: pageQuery,
  result: z.object({ entries: z.array(auditView), next: z.string().nullable() }),
  status: 200,
});

export const accountEndpoints = [
  signIn,
  readSession,
  signOut,
  setUp,
  changePassword,
  createToken,
  listTokens,
  deleteToken,
  createUser,
  listUsers,
  updateUser,
  listAudit,
] as const;
