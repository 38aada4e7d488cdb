import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { SiteDatabaseView } from "#contract/api/database.ts";
import type { OperationKind } from "#contract/api/views.ts";
import { siteDatabaseHost, siteDatabaseVariables } from "#contract/site-database.ts";
import { type FakeManager, fakeToken, startFakeManager } from "../../test/support/cli-fake-manager.ts";
import { type FakeTerminal, fakeTerminal } from "../../test/support/cli-fake-terminal.ts";
import { operationViewOf } from "../../test/support/cli-views.ts";
import { runCli } from "./main.ts";

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

async function run(argv: readonly string[], terminal: FakeTerminal = fakeTerminal()) {
  const exitCode = await runCli(argv, { HOME: home, BACKLOT_SERVER: manager.url, BACKLOT_TOKEN: fakeToken }, terminal);
  return { exitCode, out: terminal.outText(), err: terminal.errText() };
}

const variables = siteDatabaseVariables({ name: "site_7", username: "site_7", password: "s3cr+t/" }, siteDatabaseHost);
const database: SiteDatabaseView = {
  name: "site_7",
  username: "site_7",
  url: variables.DATABASE_URL ?? null,
  variables,
  bytes: 7_900_000,
  limitBytes: 268_435_456,
  state: "ready",
  reason: null,
};
const answers = (kind: OperationKind) => () => ({ operation: operationViewOf(kind, "succeeded") });

test("adding a database waits for it and says where the program finds it", async () => {
  manager.handlers["database.add"] = answers("add-database");
  expect(await run(["db", "add", "chess"])).toMatchObject({ exitCode: 0, out: "chess has a database: its program finds DATABASE_URL.\n" });
});

test("its password is shown only when it is asked for", async () => {
  manager.handlers["database.read"] = () => ({ database });
  const { out } = await run(["db", "info", "chess"]);
  expect(out).toContain("DATABASE_URL                postgresql://site_7:********@localhost/site_7?host=/run/postgresql\n");
  expect(out).toMatch(/^state +ready\nsize +7\.9 MB of 268 MB\n/);
  const json = await run(["db", "info", "chess", "--json"]);
  for (const shown of [out, json.out]) expect(shown).not.toMatch(/s3cr/);
  expect(JSON.parse(json.out).database).toMatchObject({
    url: "postgresql://site_7:********@localhost/site_7?host=/run/postgresql",
    variables: { DIRECTOR_DATABASE_PASSWORD: "********", DIRECTOR_DATABASE_NAME: "site_7" },
  });
  expect((await run(["db", "info", "chess", "--password"])).out).toContain("DIRECTOR_DATABASE_PASSWORD  s3cr+t/\n");
  expect(JSON.parse((await run(["db", "info", "chess", "--password", "--json"])).out)).toEqual({ database });
});

test("the reason of its state does not drive the terminal", async () => {
  manager.handlers["database.read"] = () => ({ database: { ...database, state: "failed", reason: "bad\u001b[2J", variables: null, url: null } });
  expect((await run(["db", "info", "chess"])).out).toContain("failed: bad\ufffd[2J\n");
});

test("a site without a database says so", async () => {
  manager.handlers["database.read"] = () => ({ database: null });
  const { exitCode, err } = await run(["db", "info", "chess"]);
  expect(exitCode).not.toBe(0);
  expect(err).toContain("This site has no database. Add one first.");
});

test("a new password and a deletion are asked for by name", async () => {
  manager.handlers["database.password"] = answers("change-database-password");
  manager.handlers["database.delete"] = answers("delete-database");
  expect((await run(["db", "password", "chess"])).out).toBe("The database of chess has a new password.\n");
  const refused = await run(["db", "rm", "chess"], fakeTerminal({ piped: "checkers\n" }));
  expect(refused.exitCode).not.toBe(0);
  expect(manager.asked).toEqual(["database.password"]);
  expect((await run(["db", "rm", "chess", "--yes"])).out).toBe("The database of chess is deleted.\n");
});
