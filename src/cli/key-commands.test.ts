import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type FakeManager, fakeToken, startFakeManager } from "../../test/support/cli-fake-manager.ts";
import { fakeTerminal } from "../../test/support/cli-fake-terminal.ts";
import { runCli } from "./main.ts";

const fingerprint = `SHA256:${"a".repeat(43)}`;
const key = {
  ...{ id: "0198c3a4-0000-7000-8000-000000000001", title: "ada@laptop", algorithm: "ssh-ed25519", bits: 256, fingerprint },
  ...{ createdAt: "2026-01-01T00:00:00Z", lastUsedAt: null },
};
let home: string;
let manager: FakeManager;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "backlot-cli-"));
  manager = await startFakeManager({});
});
afterEach(async () => {
  await manager[Symbol.asyncDispose]();
  await rm(home, { recursive: true });
});

async function run(...argv: readonly string[]) {
  const terminal = fakeTerminal();
  const exitCode = await runCli(argv, { HOME: home, BACKLOT_SERVER: manager.url, BACKLOT_TOKEN: fakeToken }, terminal);
  return { exitCode, out: terminal.outText(), err: terminal.errText() };
}

test("a key is added out of its file, and its fingerprint shown", async () => {
  const file = join(home, "id.pub");
  await writeFile(file, "ssh-ed25519 AAAA ada@laptop\n");
  let sent: unknown;
  manager.handlers["keys.create"] = ({ body }) => {
    sent = body;
    return { key };
  };
  expect(await run("key", "add", file, "--title", "laptop")).toMatchObject({ exitCode: 0, out: `Added ada@laptop: ${fingerprint}\n` });
  expect(sent).toEqual({ key: "ssh-ed25519 AAAA ada@laptop\n", title: "laptop" });
});

test("a file that is not there is refused in words", async () => {
  expect((await run("key", "add", join(home, "nosuch"))).err).toContain("cannot be read. Name the file of a public key");
});

test.for([
  "-----BEGIN OPENSSH PRIVATE KEY-----\n",
  "-----BEGIN RSA PRIVATE KEY-----\n",
  "-----BEGIN PRIVATE KEY-----\n",
  "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n",
  "PuTTY-User-Key-File-3: ssh-ed25519\n",
])("a private key (%j) is refused before it leaves the machine", async (text) => {
  manager.handlers["keys.create"] = () => ({ key });
  await writeFile(join(home, "id"), text);
  const { exitCode, err } = await run("key", "add", join(home, "id"));
  expect(exitCode).toBe(1);
  expect(err).toContain("This is a private key");
  expect(manager.asked).toEqual([]);
});

test("the list shows where SSH answers, and its host keys", async () => {
  manager.handlers["keys.list"] = () => ({ keys: [key] });
  manager.handlers["ssh.read"] = () => ({ ssh: { host: "example.org", port: 2222, keys: [{ algorithm: "ssh-ed25519", fingerprint }] } });
  const { out } = await run("key", "ls");
  expect(out).toMatch(/ada@laptop +ssh-ed25519 256 +SHA256:a+ +never\n/);
  expect(out).toContain(`SSH       ssh USER/SITE@example.org -p 2222\nHost key  ssh-ed25519 ${fingerprint}\n`);
});

test("a key is removed by its number", async () => {
  manager.handlers["keys.delete"] = () => undefined;
  expect(await run("key", "rm", key.id)).toMatchObject({ exitCode: 0, out: `Key ${key.id} is removed; what it opened has ended.\n` });
  expect(manager.asked).toEqual(["keys.delete"]);
});
