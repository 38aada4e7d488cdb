import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { formatEvent } from "#contract/events.ts";
import { Failure } from "#contract/failure.ts";
import { type FakeManager, fakeToken, RawReply, startFakeManager } from "../../test/support/cli-fake-manager.ts";
import { type FakeTerminal, fakeTerminal } from "../../test/support/cli-fake-terminal.ts";
import { operationViewOf, siteViewOf } from "../../test/support/cli-views.ts";
import { runCli } from "./main.ts";

let home: string;
let manager: FakeManager;
let environment: Record<string, string>;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "backlot-cli-"));
  manager = await startFakeManager({});
  environment = { HOME: home, BACKLOT_SERVER: manager.url, BACKLOT_TOKEN: fakeToken };
});
afterEach(async () => {
  vi.useRealTimers();
  await manager[Symbol.asyncDispose]();
  await rm(home, { recursive: true });
});

async function run(argv: readonly string[], terminal: FakeTerminal = fakeTerminal()) {
  const exitCode = await runCli(argv, environment, terminal);
  return { exitCode, out: terminal.outText(), err: terminal.errText() };
}

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

  test("follows an operation through cuts that are hours apart", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const queued = operationViewOf("create", "queued");
    let times = 0;
    manager.handlers["sites.create"] = () => ({ site: siteViewOf("demo"), operation: queued });
    manager.handlers["operations.read"] = () => ({ operation: operationViewOf("create", "running", queued) });
    manager.handlers["operations.events"] = () => {
      times += 1;
      // A cut, an end without a word, and hours later a cut again.
      if (times === 2) return new RawReply("");
      if (times < 4) {
        vi.setSystemTime(Date.now() + 7_200_000);
        throw new Failure("not_ready");
      }
      return new RawReply(formatEvent(operationViewOf("create", "succeeded", queued)));
    };
    manager.handlers["sites.read"] = () => ({ site: siteViewOf("demo") });
    expect(await run(["create", "demo"])).toMatchObject({ exitCode: 0 });
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

describe("what is said", () => {
  test("a bug shows no stack unless it is asked for", async () => {
    manager.handlers["session.read"] = () => new RawReply("not json");
    expect((await run(["whoami"])).err).toMatch(/^error: Something unexpected happened: .*\n$/);
    environment.BACKLOT_DEBUG = "1";
    expect((await run(["whoami"])).err).toContain("    at ");
  });

  test("no sentence of the server drives the terminal, nor does its JSON", async () => {
    manager.handlers["sites.restart"] = () => {
      throw new Failure("site_crashed", { site: "demo", reason: "\u001b]0;evil\u0007 \u009b2J" });
    };
    const { err, out } = await run(["restart", "demo", "--json"], fakeTerminal({ isTty: true }));
    expect(err).toContain("\ufffd]0;evil\ufffd \ufffd2J");
    expect(err.replaceAll(/\u001b\[(\d+m|K)|\r/g, "")).not.toMatch(/[\u001b\u0007\u009b]/);
    expect(out).not.toMatch(/[\u001b\u0007\u009b]/);
    expect(JSON.parse(out).error.title).toContain("\u001b]0;evil\u0007 \u009b2J");
  });

  test("an answer that is cut in its middle is no bug but a server that is away", async () => {
    const begun = async function* () {
      yield "one\n";
      await new Promise((resolve) => setTimeout(resolve, 50));
    };
    manager.handlers["sites.logs"] = () => new RawReply(begun(), { hangUp: true });
    const { exitCode, err } = await run(["logs", "demo"]);
    expect(exitCode).toBe(5);
    expect(err).not.toContain("unexpected");
  });

  test("colours appear on a terminal only, and not with NO_COLOR", async () => {
    const red = "\u001b[31m";
    expect((await run(["create", "demo", "--kind", "x"], fakeTerminal({ isTty: true }))).err).toContain(red);
    expect((await run(["create", "demo", "--kind", "x"])).err).not.toContain(red);
    environment.NO_COLOR = "1";
    expect((await run(["create", "demo", "--kind", "x"], fakeTerminal({ isTty: true }))).err).not.toContain(red);
  });

  test("results in a pipe have no colours, although the person sits at a terminal", async () => {
    manager.handlers["sites.logs"] = ({ query }) => {
      if (query.get("tail") === "1000") throw new Failure("site_not_found");
      return new RawReply(formatEvent({ line: "started", at: "2025-01-02T03:04:05.000Z", stream: "platform" }));
    };
    expect((await run(["logs", "demo", "-f"], fakeTerminal({ isTty: true }))).out).toBe("\u001b[2m— started\u001b[22m\n");
    expect((await run(["logs", "demo", "-f"], fakeTerminal({ isTty: true, isOutPiped: true }))).out).toBe("— started\n");
  });

  test("a machine is named and explained without driving the terminal", async () => {
    const at = "2025-01-02T03:04:05.000Z";
    const node = {
      ...{ id: "n1", kind: "orchestrator", host: "north\u001b[2J", url: null, version: "1\u0007", state: "unhealthy", explanation: "Docker says \u009b2J" },
      ...{ firstSeenAt: at, lastSeenAt: at, isDrained: true, sites: 0, report: null },
    };
    manager.handlers["nodes.list"] = () => ({ nodes: [node] });
    manager.handlers["nodes.update"] = () => ({ node });
    expect((await run(["node", "drain", "n1"])).out).toBe("north\ufffd[2J: unhealthy. Docker says \ufffd2J\n");
    expect((await run(["node", "ls"])).out).toMatch(/^n1 .*north\ufffd\[2J .*1\ufffd$/m);
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
