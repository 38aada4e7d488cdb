import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Failure } from "#contract/failure.ts";
import { type FakeHandler, type FakeManager, fakeToken, startFakeManager } from "../../test/support/cli-fake-manager.ts";
import { fakeTerminal } from "../../test/support/cli-fake-terminal.ts";
import { operationViewOf, siteViewOf, userViewOf } from "../../test/support/cli-views.ts";
import { runCli } from "./main.ts";
import { writeSettings } from "./settings-file.ts";

/** What a terminal would obey: a new title, and an emptied screen. */
const orders = "\u001b]0;evil\u0007\u009b2J";
const obeyed = /[\u001b\u0007\u009b]/;
const fingerprint = `SHA256:${"a".repeat(43)}${orders}`;
const key = {
  ...{ id: "0198c3a4-0000-7000-8000-000000000001", title: `laptop${orders}`, algorithm: `ssh-ed25519${orders}`, bits: 256, fingerprint },
  ...{ createdAt: "2026-01-01T00:00:00Z", lastUsedAt: null },
};
const site = siteViewOf("demo", { url: `http://demo.localhost:8080/${orders}` });
const operation = operationViewOf("create", "succeeded");
const tokenOf = (body: unknown) => ({ ...(body as { name: string }), scopes: ["full"], createdAt: "2026-01-01T00:00:00Z", expiresAt: null, lastUsedAt: null });
const handlers: Record<string, FakeHandler> = {
  "session.read": () => ({ user: userViewOf(`ann${orders}`) }),
  "keys.create": () => ({ key }),
  "keys.list": () => ({ keys: [key] }),
  "ssh.read": () => ({ ssh: { host: `example.org${orders}`, port: 2222, keys: [{ algorithm: key.algorithm, fingerprint: fingerprint.slice(0, 50) }] } }),
  "tokens.create": ({ body }) => ({ id: key.id, secret: `secret${orders}`, token: { id: key.id, ...tokenOf(body) } }),
  "tokens.delete": () => {
    throw new Failure("site_crashed", { site: "demo", reason: orders });
  },
  "sites.read": () => ({ site }),
  "sites.create": () => ({ site, operation }),
  "deployments.create": () => ({ operation }),
};
let home: string;
let manager: FakeManager;

beforeAll(async () => {
  manager = await startFakeManager(handlers);
});
afterAll(() => manager[Symbol.asyncDispose]());
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "backlot-cli-"));
  await writeFile(join(home, "id.pub"), "ssh-ed25519 AAAA ada@laptop\n");
  return () => rm(home, { recursive: true });
});

test.for([
  ["whoami", "ann\ufffd]0;evil\ufffd\ufffd2J (member) at "],
  ["login --token -", " as ann\ufffd"],
  ["key add id.pub", "SHA256:"],
  ["key ls", "example.org\ufffd"],
  ["token create ci", "secret\ufffd"],
  ["create demo", "http://demo.localhost:8080/\ufffd"],
  ["deploy . --site demo", "http://demo.localhost:8080/\ufffd"],
  ["open demo --no-browser", "http://demo.localhost:8080/\ufffd"],
] as const)("%s shows what the server says, and the terminal obeys none of it", async ([command, shown]) => {
  const terminal = fakeTerminal({ isTty: true, piped: `${fakeToken}\n` });
  const words = command.split(" ").map((word) => (word === "id.pub" || word === "." ? join(home, word) : word));
  const exitCode = await runCli(words, { HOME: home, NO_COLOR: "1", BACKLOT_SERVER: manager.url, BACKLOT_TOKEN: fakeToken }, terminal);
  expect({ exitCode, out: terminal.outText() }).toEqual({ exitCode: 0, out: expect.stringContaining(shown) });
  expect(terminal.outText()).not.toMatch(obeyed);
  // Drawn over and over, the line of progress goes back to its beginning.
  expect(terminal.errText().replaceAll(/\r\u001b\[K/g, "")).not.toMatch(obeyed);
});

test("a question shows what the server says, and the terminal obeys none of it", async () => {
  const terminal = fakeTerminal({ isTty: true });
  const removing = runCli(["rm", "demo"], { HOME: home, NO_COLOR: "1", BACKLOT_SERVER: manager.url, BACKLOT_TOKEN: fakeToken }, terminal);
  await expect.poll(() => terminal.errText(), { timeout: 20_000 }).toContain("Type its name to go on");
  terminal.keyboard.write("no\r");
  expect(await removing).toBe(2);
  // Escapes of readline itself move the cursor and clear what is below it.
  expect(terminal.errText()).not.toContain(orders);
  expect(terminal.errText()).toContain("http://demo.localhost:8080/\ufffd]0;evil");
});

test("what is said on the way shows what the server says, and the terminal obeys none of it", async () => {
  const environment = { HOME: home, NO_COLOR: "1", BACKLOT_SERVER: manager.url };
  await writeSettings(environment, { servers: { [manager.url]: { username: "ann", token: fakeToken, tokenId: key.id } } });
  const terminal = fakeTerminal({ isTty: true });
  expect(await runCli(["logout"], environment, terminal)).toBe(0);
  expect(terminal.errText()).toContain("was not revoked: ");
  expect(terminal.errText()).toContain("\ufffd]0;evil");
  expect(terminal.errText()).not.toMatch(obeyed);
});
