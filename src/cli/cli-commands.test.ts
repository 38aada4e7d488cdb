import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { formatEvent } from "#contract/events.ts";
import { Failure } from "#contract/failure.ts";
import { type FakeManager, fakeToken, RawReply, startFakeManager } from "../../test/support/cli-fake-manager.ts";
import { type FakeTerminal, fakeTerminal } from "../../test/support/cli-fake-terminal.ts";
import { operationViewOf, siteViewOf, userViewOf } from "../../test/support/cli-views.ts";
import { runCli } from "./main.ts";
import { settingsPath } from "./settings-file.ts";

let home: string;
let manager: FakeManager;
let environment: Record<string, string>;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "backlot-cli-"));
  manager = await startFakeManager({});
  environment = { HOME: home, BACKLOT_SERVER: manager.url, BACKLOT_TOKEN: fakeToken };
});
afterEach(async () => {
  await manager[Symbol.asyncDispose]();
  await rm(home, { recursive: true });
});

async function run(argv: readonly string[], terminal: FakeTerminal = fakeTerminal()) {
  const exitCode = await runCli(argv, environment, terminal);
  return { exitCode, out: terminal.outText(), err: terminal.errText() };
}

describe("signing in", () => {
  beforeEach(() => {
    delete environment.BACKLOT_TOKEN;
    manager.handlers["session.create"] = ({ body }) => {
      if ((body as { password: string }).password !== "correct horse") throw new Failure("credentials_wrong");
      return new RawReply(JSON.stringify({ user: userViewOf("ann") }), { headers: { "set-cookie": "backlot_session=one; Path=/; HttpOnly" } });
    };
    manager.handlers["session.delete"] = () => undefined;
    manager.handlers["session.read"] = () => ({ user: userViewOf("ann") });
    manager.handlers["tokens.create"] = ({ body }) => {
      const id = "0198c3a4-0000-7000-8000-000000000001";
      const token = { id, ...(body as { name: string; scopes: "full"[] }), createdAt: "2025-01-01T00:00:00Z", expiresAt: null, lastUsedAt: null };
      return { id, secret: fakeToken, token };
    };
    manager.handlers["tokens.delete"] = () => undefined;
  });

  test("keeps a token and never the password, in a file that only its owner reads", async () => {
    const { exitCode, out } = await run(["login", "--user", "ann", "--password-stdin"], fakeTerminal({ piped: "correct horse\n" }));
    expect({ exitCode, out }).toEqual({ exitCode: 0, out: `Signed in at ${manager.url} as ann.\n` });
    const path = settingsPath(environment);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(JSON.parse(await readFile(path, "utf8"))).toEqual({
      defaultServer: manager.url,
      servers: { [manager.url]: { username: "ann", token: fakeToken, tokenId: "0198c3a4-0000-7000-8000-000000000001" } },
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
    await run(["login", "--user", "ann", "--password-stdin"], fakeTerminal({ piped: "correct horse" }));
    expect((await run(["logout"])).exitCode).toBe(0);
    expect(manager.asked).toContain("tokens.delete");
    expect(JSON.parse(await readFile(settingsPath(environment), "utf8"))).toEqual({ servers: {} });
    expect(await run(["whoami"])).toEqual({
      exitCode: 3,
      out: "",
      err: `error: You are not signed in at ${manager.url}. Run \`backlot login ${manager.url}\`.\n`,
    });
  });

  test("signing out forgets the token although the server is gone", async () => {
    await run(["login", "--user", "ann", "--password-stdin"], fakeTerminal({ piped: "correct horse" }));
    await manager[Symbol.asyncDispose]();
    expect((await run(["logout"])).exitCode).toBe(0);
    expect(JSON.parse(await readFile(settingsPath(environment), "utf8"))).toEqual({ servers: {} });
    manager = await startFakeManager({});
  });

  test("remembers several servers and uses the last one by default", async () => {
    await using other = await startFakeManager(manager.handlers);
    delete environment.BACKLOT_SERVER;
    for (const url of [manager.url, other.url]) await run(["login", url, "--user", "ann", "--password-stdin"], fakeTerminal({ piped: "correct horse" }));
    expect((await run(["whoami"])).out).toBe(`ann (member) at ${other.url}\n`);
    expect((await run(["whoami", "--server", manager.url])).out).toBe(`ann (member) at ${manager.url}\n`);
  });
});

describe("sites", () => {
  test("lists every page of my sites", async () => {
    manager.handlers["sites.list"] = ({ query }) =>
      query.get("cursor") === null
        ? { sites: [siteViewOf("one")], next: "c2" }
        : { sites: [siteViewOf("two", { kind: "dynamic", state: "asleep" })], next: null };
    expect((await run(["sites"])).out).toBe(
      "NAME  KIND     STATE    ADDRESS\none   static   running  http://one.localhost:8080/\ntwo   dynamic  asleep   http://two.localhost:8080/\n",
    );
    const { sites } = JSON.parse((await run(["sites", "--json"])).out);
    expect(sites.map((site: { name: string }) => site.name)).toEqual(["one", "two"]);
  });

  test("creates a site, tells its steps on stderr and its address on stdout", async () => {
    const queued = operationViewOf("create", "queued");
    manager.handlers["sites.create"] = ({ body }) => {
      expect(body).toEqual({ name: "demo", kind: "static", purpose: "project", description: "" });
      return { site: siteViewOf("demo"), operation: queued };
    };
    manager.handlers["operations.events"] = () =>
      new RawReply(
        [operationViewOf("create", "running", { id: queued.id, ended: 1 }), operationViewOf("create", "succeeded", queued)]
          .map((view) => formatEvent(view))
          .join(""),
      );
    manager.handlers["sites.read"] = () => ({ site: siteViewOf("demo") });
    expect(await run(["create", "demo"])).toEqual({
      exitCode: 0,
      out: "http://demo.localhost:8080/\n",
      err: "✓ Make the folders 0 ms\n✓ Tell the router 0 ms\n",
    });
  });

  test("takes an image by its name or number, and says which there are when there is no such one", async () => {
    const image = { reference: "python:3.13", description: "", runTemplate: "", visibility: "everyone" } as const;
    const images = [
      { ...image, id: 1, name: "Node 24", isDefault: true },
      { ...image, id: 7, name: "Python 3.13", isDefault: false },
    ];
    const asked: unknown[] = [];
    manager.handlers["images.list"] = () => ({ images, isUsed: true });
    manager.handlers["sites.create"] = ({ body }) => {
      asked.push((body as { image?: number }).image);
      return { site: siteViewOf("demo"), operation: operationViewOf("create", "succeeded") };
    };
    manager.handlers["sites.read"] = () => ({ site: siteViewOf("demo") });
    for (const name of ["python 3.13", "7", "1"])
      expect(await run(["create", "demo", "--no-wait", "--kind", "dynamic", "--image", name])).toMatchObject({ exitCode: 0 });
    expect(asked).toEqual([7, 7, 1]);
    const unknown = await run(["create", "demo", "--image", "ruby", "--json"]);
    expect({ exitCode: unknown.exitCode, error: JSON.parse(unknown.out).error }).toMatchObject({
      exitCode: 4,
      error: { code: "image_not_found", details: { images: ["Node 24", "Python 3.13"] } },
    });
    expect(unknown.err).toContain("There are: Node 24, Python 3.13.");
    expect(asked.length).toBe(3);
    manager.handlers["images.list"] = () => ({ images, isUsed: false });
    expect((await run(["create", "demo", "--no-wait", "--image", "Node 24"])).err).toContain("without images");
  });

  test("goes on following an operation whose stream breaks off", async () => {
    const queued = operationViewOf("create", "queued");
    const broken = async function* () {
      yield formatEvent(operationViewOf("create", "running", { id: queued.id }));
    };
    let times = 0;
    manager.handlers["sites.create"] = () => ({ site: siteViewOf("demo"), operation: queued });
    manager.handlers["operations.read"] = () => ({ operation: operationViewOf("create", "running", queued) });
    manager.handlers["operations.events"] = () => {
      times += 1;
      if (times === 1) return new RawReply(broken(), { hangUp: true });
      if (times === 2) throw new Failure("not_ready");
      return new RawReply(formatEvent(operationViewOf("create", "succeeded", queued)));
    };
    manager.handlers["sites.read"] = () => ({ site: siteViewOf("demo") });
    expect(await run(["create", "demo", "--json"])).toMatchObject({ exitCode: 0 });
    expect(times).toBe(3);
  });

  test("an operation that fails ends the command with 1 and the operation's sentence, as JSON too", async () => {
    const failed = operationViewOf("create", "failed");
    manager.handlers["sites.create"] = () => ({ site: siteViewOf("demo"), operation: failed });
    const { exitCode, out, err } = await run(["create", "demo", "--json"]);
    expect(exitCode).toBe(1);
    expect(err).toContain("error: The disk of the server is full.\n");
    expect(JSON.parse(out)).toEqual({ error: { code: "disk_full", title: "The disk of the server is full.", details: { operation: failed.id } } });
  });

  test("a taken name ends with 6, an unknown site with 4, a server that is away with 5, a wrong option with 2", async () => {
    manager.handlers["sites.create"] = () => {
      throw new Failure("site_name_taken", { name: "demo" });
    };
    manager.handlers["sites.read"] = () => {
      throw new Failure("site_not_found");
    };
    expect((await run(["create", "demo"])).exitCode).toBe(6);
    expect((await run(["open", "nobody"])).exitCode).toBe(4);
    expect((await run(["sites", "--nonsense"])).exitCode).toBe(2);
    expect((await run(["nonsense"])).exitCode).toBe(2);
    expect((await run(["create", "demo", "--kind", "magic"])).exitCode).toBe(2);
    expect((await run(["sites", "--server", "http://127.0.0.1:1"])).exitCode).toBe(5);
  });

  test("a starter brings its own kind", async () => {
    const starters = [{ name: "node", title: "Node", description: "", kind: "dynamic", missing: [] }];
    manager.handlers["system.read"] = () => ({
      version: "1",
      siteUrlPattern: "x",
      starters,
      isolation: { isolates: true, missing: [] },
      egress: { isAvailable: true, notes: [] },
      maySitesRun: true,
      allowsCommands: false,
      isOrchestratorThere: true,
    });
    manager.handlers["sites.create"] = ({ body }) => {
      expect(body).toMatchObject({ kind: "dynamic", starter: "node" });
      return { site: siteViewOf("demo"), operation: operationViewOf("create", "queued") };
    };
    manager.handlers["sites.read"] = () => ({ site: siteViewOf("demo") });
    expect((await run(["create", "demo", "--starter", "node", "--no-wait"])).exitCode).toBe(0);
    expect((await run(["create", "demo", "--starter", "cobol"])).err).toContain("There is no starter called cobol. Choose one of: node.");
  });

  test("deletes a site only when its name was typed", async () => {
    manager.handlers["sites.read"] = () => ({ site: siteViewOf("demo") });
    manager.handlers["sites.delete"] = () => ({ operation: operationViewOf("delete", "succeeded") });
    const answer = async (typed: string) => {
      const terminal = fakeTerminal({ isTty: true });
      const removing = run(["rm", "demo"], terminal);
      await seen(terminal, "to go on: ");
      terminal.keyboard.write(`${typed}\r`);
      return (await removing).exitCode;
    };
    expect(await answer("demos")).toBe(2);
    expect((await run(["rm", "demo"])).exitCode).toBe(2);
    expect(manager.asked).not.toContain("sites.delete");
    expect(await answer("demo")).toBe(0);
    expect((await run(["rm", "demo", "--yes"])).out).toBe("demo is deleted.\n");
  });

  test("follows a log as it comes, and drives nobody's terminal with it", async () => {
    const at = "2025-01-02T03:04:05.000Z";
    manager.handlers["sites.logs"] = ({ query }) => {
      if (query.get("follow") !== "true") return new RawReply("one\ntwo\n");
      if (query.get("tail") === "1000") throw new Failure("site_not_found");
      return new RawReply(`${formatEvent({ line: "\u001b[2Jhello", at, stream: "stdout" })}`);
    };
    expect((await run(["logs", "demo", "--tail", "2"])).out).toBe("one\ntwo\n");
    expect((await run(["logs", "demo", "-f"], fakeTerminal({ isTty: true }))).out).toBe("\ufffd[2Jhello\n");
    const json = await run(["logs", "demo", "-f", "--json"]);
    expect(JSON.parse(json.out.split("\n")[0] ?? "")).toEqual({ at, stream: "stdout", line: "\u001b[2Jhello" });
    expect((await run(["logs", "demo", "--tail", "many"])).exitCode).toBe(2);
  });

  test("goes on with a log that broke off: no line is lost, and none is shown twice", async () => {
    const at = (second: number): string => `2025-01-02T03:04:0${second}.000Z`;
    const sent = (...lines: readonly (readonly [string, number])[]): RawReply =>
      new RawReply(lines.map(([line, second]) => formatEvent({ line, at: at(second), stream: "stdout" })).join(""));
    const replies = [
      sent(),
      sent(["first", 1], ["same", 2], ["same", 2]),
      sent(["first", 1], ["same", 2], ["same", 2], ["same", 2], ["beside", 2], ["two", 3], ["at once", 3]),
      sent(["two", 3], ["at once", 3]),
    ];
    manager.handlers["sites.logs"] = () => {
      const reply = replies.shift();
      if (reply === undefined) throw new Failure("site_not_found");
      return reply;
    };
    expect((await run(["logs", "demo", "-f", "--tail", "1000"])).out).toBe("first\nsame\nsame\nsame\nbeside\ntwo\nat once\n");
  });
});

describe("files", () => {
  test("are put, listed, fetched and deleted", async () => {
    let stored: Buffer = Buffer.alloc(0);
    manager.handlers["files.write"] = ({ bytes, params }) => {
      expect(params["*"]).toBe("public/a b.txt");
      stored = bytes;
      return new RawReply("", { status: 201 });
    };
    const entry = { name: "a b.txt", type: "file", size: 3, modifiedAt: "2025-01-02T03:04:05.000Z", executable: false };
    manager.handlers["files.read"] = ({ params }) => (params["*"] === "public/" ? new RawReply(JSON.stringify({ entries: [entry] })) : new RawReply(stored));
    manager.handlers["files.delete"] = () => undefined;
    const local = join(home, "a b.txt");
    await writeFile(local, Buffer.from([0, 255, 10]));
    expect((await run(["files", "put", "demo", local, "public/"])).out).toBe("public/a b.txt written.\n");
    expect((await run(["files", "ls", "demo", "public"])).out).toBe("3 B  2025-01-02T03:04:05.000Z  a b.txt\n");
    const terminal = fakeTerminal();
    await run(["files", "get", "demo", "public/a b.txt"], terminal);
    expect(terminal.outBytes()).toEqual(Buffer.from([0, 255, 10]));
    const copy = join(home, "copy");
    expect((await run(["files", "get", "demo", "public/a b.txt", copy])).exitCode).toBe(0);
    expect(await readFile(copy)).toEqual(Buffer.from([0, 255, 10]));
    expect((await run(["files", "put", "demo", "-", "public/a b.txt"], fakeTerminal({ piped: "piped" }))).exitCode).toBe(0);
    expect(stored.toString()).toBe("piped");
    expect((await run(["files", "rm", "demo", "public/a b.txt"])).exitCode).toBe(0);
  });

  test("a path that would climb out is refused before anything is asked", async () => {
    expect((await run(["files", "get", "demo", "../other/secret"])).err).toContain("`.` and `..` are not allowed in it");
    expect(manager.asked).toEqual([]);
  });
});

describe("what is said", () => {
  test("a bug shows no stack unless it is asked for", async () => {
    manager.handlers["session.read"] = () => new RawReply("not json");
    expect((await run(["whoami"])).err).toMatch(/^error: Something unexpected happened: .*\n$/);
    environment.BACKLOT_DEBUG = "1";
    expect((await run(["whoami"])).err).toContain("    at ");
  });

  test("colours appear on a terminal only, and not with NO_COLOR", async () => {
    const red = "\u001b[31m";
    expect((await run(["create", "demo", "--kind", "x"], fakeTerminal({ isTty: true }))).err).toContain(red);
    expect((await run(["create", "demo", "--kind", "x"])).err).not.toContain(red);
    environment.NO_COLOR = "1";
    expect((await run(["create", "demo", "--kind", "x"], fakeTerminal({ isTty: true }))).err).not.toContain(red);
  });

  test("help names every command and needs neither settings nor a server", async () => {
    const { exitCode, out } = await run(["--help"]);
    expect(exitCode).toBe(0);
    for (const name of ["login", "sites", "create", "deploy", "open", "logs", "restart", "rm", "doctor", "run", "start"]) expect(out).toContain(`\n  ${name} `);
  });
});

/** Resolves when the terminal shows a text. */
async function seen(terminal: FakeTerminal, text: string): Promise<void> {
  await expect.poll(() => terminal.errText(), { interval: 5 }).toContain(text);
}
