import { changePassword, createToken, createUser, setUp, signIn, updateUser } from "#contract/api/accounts.ts";
import { Failure } from "#contract/failure.ts";
import { isSiteName } from "#contract/site.ts";
import type { MockHandler } from "./mock-call.ts";
import type { MockToken } from "./mock-world.ts";

/** Every account of the pretended manager has this password. */
const everyPassword = "backlot-demo";
const checkPassword = (password: string): void => {
  if (password.length < 8 || password.length > 200) throw new Failure("password_too_weak");
};

export const mockAccountHandlers: Readonly<Record<string, MockHandler>> = {
  "session.create": ({ world, body }) => {
    const { username, password } = signIn.body.parse(body);
    const user = world.users.find((each) => each.username === username && each.isActive);
    if (user === undefined || password !== everyPassword) throw new Failure("credentials_wrong");
    world.me = user;
    return { user };
  },
  "session.read": ({ world }) => ({ user: world.me }),
  "session.delete": ({ world }) => {
    world.me = null;
  },
  "setup.create": ({ world, body }) => {
    const { secret, password } = setUp.body.parse(body);
    if (secret === "used") throw new Failure("setup_link_invalid");
    checkPassword(password);
    world.me = world.users[0] ?? null;
    return { user: world.me };
  },
  "password.update": ({ body }) => {
    const { currentPassword, newPassword } = changePassword.body.parse(body);
    if (currentPassword !== everyPassword) throw new Failure("credentials_wrong");
    checkPassword(newPassword);
  },
  "tokens.list": ({ world }) => ({ tokens: world.tokens }),
  "tokens.create": ({ world, body }) => {
    const { name, scopes, expiresAt } = createToken.body.parse(body);
    const token: MockToken = { id: crypto.randomUUID(), name, scopes, createdAt: new Date().toISOString(), expiresAt: expiresAt ?? null, lastUsedAt: null };
    world.tokens.unshift(token);
    return { id: token.id, secret: `blt_${crypto.randomUUID().replaceAll("-", "")}`, token };
  },
  "tokens.delete": ({ world, params }) => {
    if (!world.tokens.some((token) => token.id === params.id)) throw new Failure("token_not_found");
    world.tokens = world.tokens.filter((token) => token.id !== params.id);
  },
  "users.list": ({ world, query }) => ({ users: world.users.filter((user) => user.username.includes(query.get("search") ?? "")), next: null }),
  "users.create": ({ world, body }) => {
    const { username, password, role } = createUser.body.parse(body);
    if (!isSiteName(username)) throw new Failure("username_invalid");
    if (world.users.some((user) => user.username === username)) throw new Failure("username_taken", { username });
    checkPassword(password);
    const user = { id: world.users.length + 1, username, role, isActive: true, createdAt: new Date().toISOString() };
    world.users.push(user);
    return { user };
  },
  "users.update": ({ world, params, body }) => {
    const { role, isActive, password } = updateUser.body.parse(body);
    const user = world.users.find((each) => each.username === params.username);
    if (user === undefined) throw new Failure("user_not_found");
    if (password !== undefined) checkPassword(password);
    if (user.username === "admin" && (role === "member" || isActive === false)) throw new Failure("last_administrator");
    Object.assign(user, role === undefined ? {} : { role }, isActive === undefined ? {} : { isActive });
    return { user };
  },
  "audit.list": ({ world }) => ({ entries: world.audit, next: null }),
};
