import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Failure } from "#contract/failure.ts";
import { type FakeManager, fakeToken, RawReply, startFakeManager } from "../../test/support/cli-fake-manager.ts";
import { type FakeTerminal, fakeTerminal } from "../../test/support/cli-fake-terminal.ts";
import { userViewOf } from "../../test/support/cli-views.ts";
import { runCli } from "./main.ts";
import { readSettings, settingsPath, writeSettings } from "./settings-file.ts";

const idOf = (number: number): string => `0198c3a4-0000-7000-8000-00000000000${number}`;
let home: string;
let manager: FakeManager;
let environment: Record<string, string>;
let made: number;
let revoked: string[];

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "backlot-cli-"));
  made = 0;
  revoked = [];
  manager = await startFakeManager({
    "session.create": ({ body }) => {
      if ((body as { password: string }).password !== "correct horse") throw new Failure("credentials_wrong");
      return new RawReply(JSON.stringify({ user: userViewOf("ann") }), { headers: { "set-cookie": "backlot_session=one; Path=/; HttpOnly" } });
    },
    "session.delete": () => undefined,
    "session.read": () => ({ user: userViewOf("ann") }),
    "tokens.create": ({ body }) => {
      made += 1;
      const id = idOf(made);
      const token = { id, ...(body as { name: string; scopes: "full"[] }), createdAt: "2025-01-01T00:00:00Z", expiresAt: null, lastUsedAt: null };
      return { id, secret: fakeToken, token };
    },
    "tokens.delete": ({ params }) => void revoked.push(params.id ?? ""),
  });
  environment = { HOME: home, BACKLOT_SERVER: manager.url };
});
afterEach(async () => {
  vi.restoreAllMocks();
  await manager[Symbol.asyncDispose]();
  await rm(home, { recursive: true });
});

async function run(argv: readonly string[], terminal: FakeTerminal = fakeTerminal()) {
  const exitCode = await runCli(argv, environment, terminal);
  return { exitCode, out: terminal.outText(), err: terminal.errText() };
}
const login = (...argv: readonly string[]) => run(["login", ...argv, "--user", "ann", "--password-stdin"], fakeTerminal({ piped: "correct horse\n" }));

test("keeps a token and never the password, in a file that only its owner reads", async () => {
  const { exitCode, out } = await login();
  expect({ exitCode, out }).toEqual({ exitCode: 0, out: `Signed in at ${manager.url} as ann.\n` });
  const path = settingsPath(environment);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(JSON.parse(await readFile(path, "utf8"))).toEqual({
    defaultServer: manager.url,
    servers: { [manager.url]: { username: "ann", token: fakeToken, tokenId: idOf(1) } },
  });
  expect(manager.asked).toEqual(["session.create", "tokens.create", "session.delete"]);
});

test("asks for name and password without showing the password", async () => {
  const terminal = fakeTerminal({ isTty: true });
  const signingIn = run(["login", manager.url], terminal);
  await seen(terminal, "User name");
  terminal.keyboard.write("ann\r");
  await seen(terminal, "Password: ");
  terminal.keyboard.write("correct horse\r");
  const { exitCode, err, out } = await signingIn;
  expect(exitCode).toBe(0);
  expect(`${err}${out}`).not.toContain("correct horse");
});

test("tells a wrong password with the server's own sentence and ends with 3", async () => {
  const { exitCode, err } = await run(["login", "--user", "ann", "--password-stdin"], fakeTerminal({ piped: "wrong" }));
  expect({ exitCode, err }).toEqual({ exitCode: 3, err: "error: The user name or the password is wrong. Check both and try again.\n" });
});

test("accepts a token from a pipe, and refuses one that the server does not know", async () => {
  expect((await run(["login", "--token", "-"], fakeTerminal({ piped: `${fakeToken}\n` }))).exitCode).toBe(0);
  expect((await run(["login", "--token", "other"])).exitCode).toBe(3);
});

test("signing out revokes the token and forgets it", async () => {
  await login();
  expect((await run(["logout"])).exitCode).toBe(0);
  expect(manager.asked).toContain("tokens.delete");
  expect(JSON.parse(await readFile(settingsPath(environment), "utf8"))).toEqual({ servers: {} });
  expect(await run(["whoami"])).toEqual({
    exitCode: 3,
    out: "",
    err: `error: You are not signed in at ${manager.url}. Run \`backlot login ${manager.url}\`.\n`,
  });
});

test("signing out by a token that was revoked already says nothing of it", async () => {
  await signedInBefore(idOf(7));
  expect(await run(["logout", "--json"])).toEqual({ exitCode: 0, out: `${JSON.stringify({ server: manager.url, isRevoked: true })}\n`, err: "" });
});

test("signing out forgets the token although the server is gone, or answers half", async () => {
  await login();
  manager.handlers["tokens.delete"] = () => new RawReply("not json", { status: 500 });
  expect((await run(["logout"])).err).toContain(`backlot token rm ${idOf(1)}`);
  expect(await readSettings(environment)).toEqual({ servers: {} });
  await login();
  await manager[Symbol.asyncDispose]();
  expect((await run(["logout"])).exitCode).toBe(0);
  expect(JSON.parse(await readFile(settingsPath(environment), "utf8"))).toEqual({ servers: {} });
  manager = await startFakeManager({});
});

test.for([
  ["logout", "tokens.delete", `The token ${idOf(7)}, which nothing here uses any more, was not revoked: The server has not answered`],
  ["login", "tokens.delete", `The token ${idOf(7)}, which nothing here uses any more, was not revoked: The server has not answered`],
  ["login", "session.delete", "The session could not be ended: The server has not answered"],
] as const)("%s is not held up by a server that says nothing at %s", async ([command, endpoint, told]) => {
  await signedInBefore(idOf(7));
  manager.knownTokens.add("older-token");
  manager.handlers[endpoint] = () => new Promise(() => undefined);
  const limits: number[] = [];
  const wait = AbortSignal.timeout.bind(AbortSignal);
  vi.spyOn(AbortSignal, "timeout").mockImplementation((ms) => {
    limits.push(ms);
    return wait(200);
  });
  const { exitCode, err } = command === "login" ? await login() : await run(["logout"]);
  expect({ exitCode, err }).toEqual({ exitCode: 0, err: expect.stringContaining(told) });
  expect(limits).toContain(10_000);
  expect((await readSettings(environment)).servers[manager.url]?.token).toBe(command === "login" ? fakeToken : undefined);
});

test("remembers several servers and uses the last one by default", async () => {
  await using other = await startFakeManager(manager.handlers);
  delete environment.BACKLOT_SERVER;
  for (const url of [manager.url, other.url]) await login(url);
  expect((await run(["whoami"])).out).toBe(`ann (member) at ${other.url}\n`);
  expect((await run(["whoami", "--server", manager.url])).out).toBe(`ann (member) at ${manager.url}\n`);
});

/** Keeps another sign-in at the server, with a token that differs from the one that the server gives. */
async function signedInBefore(tokenId?: string): Promise<void> {
  const stored = { username: "ann", token: "older-token", ...(tokenId === undefined ? {} : { tokenId }) };
  await writeSettings(environment, { defaultServer: manager.url, servers: { [manager.url]: stored } });
}

test("signing in again revokes the token before it by that token itself, once the new one is kept", async () => {
  await signedInBefore(idOf(7));
  const secrets: (string | undefined)[] = [];
  const kept: (string | undefined)[] = [];
  manager.handlers["tokens.delete"] = async ({ headers, params }) => {
    secrets.push(headers.authorization);
    kept.push((await readSettings(environment)).servers[manager.url]?.tokenId);
    revoked.push(params.id ?? "");
  };
  manager.knownTokens.add("older-token");
  expect(await login()).toEqual({ exitCode: 0, out: `Signed in at ${manager.url} as ann.\n`, err: "" });
  expect({ revoked, secrets, kept }).toEqual({ revoked: [idOf(7)], secrets: ["Bearer older-token"], kept: [idOf(1)] });
});

test("a token before it that was revoked already is no news; another trouble with it is told, and the sign-in holds", async () => {
  await signedInBefore(idOf(7));
  expect(await login()).toMatchObject({ exitCode: 0, err: "" });
  await signedInBefore(idOf(7));
  manager.knownTokens.add("older-token");
  manager.handlers["tokens.delete"] = () => {
    throw new Failure("not_ready");
  };
  const { exitCode, err } = await login();
  expect({ exitCode, err }).toEqual({ exitCode: 0, err: expect.stringContaining(`backlot token rm ${idOf(7)}`) });
  expect((await readSettings(environment)).servers[manager.url]?.tokenId).toBe(idOf(2));
});

test("a token that the person brought along is not revoked", async () => {
  await signedInBefore();
  manager.knownTokens.add("older-token");
  await login();
  expect(manager.asked).not.toContain("tokens.delete");
});

test("signing in by the very token that is kept already leaves it valid, and ours to revoke", async () => {
  await login();
  expect((await run(["login", "--token", fakeToken])).exitCode).toBe(0);
  expect(revoked).toEqual([]);
  expect((await readSettings(environment)).servers[manager.url]?.tokenId).toBe(idOf(1));
});

test("a token that cannot be kept is revoked again, and what stands in the way is told in words", async () => {
  await mkdir(dirname(settingsPath(environment)), { recursive: true });
  manager.handlers["tokens.create"] = async ({ body }) => {
    // Between reading and writing the settings a file takes the place of their folder: what every user, root too, fails at.
    await rm(dirname(settingsPath(environment)), { recursive: true });
    await writeFile(dirname(settingsPath(environment)), "");
    const token = { id: idOf(3), ...(body as { name: string; scopes: "full"[] }), createdAt: "2025-01-01T00:00:00Z", expiresAt: null, lastUsedAt: null };
    return { id: idOf(3), secret: fakeToken, token };
  };
  const { exitCode, err } = await login();
  expect({ exitCode, err }).toEqual({ exitCode: 1, err: expect.stringContaining(`error: The settings ${settingsPath(environment)} cannot be written: `) });
  expect(revoked).toEqual([idOf(3)]);
});

/** Resolves when the terminal shows a text. */
async function seen(terminal: FakeTerminal, text: string): Promise<void> {
  await expect.poll(() => terminal.errText(), { interval: 5 }).toContain(text);
}
