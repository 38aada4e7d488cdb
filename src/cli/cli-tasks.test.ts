import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { TaskView } from "#contract/api/tasks.ts";
import { formatEvent } from "#contract/events.ts";
import { Failure } from "#contract/failure.ts";
import { type FakeManager, fakeToken, RawReply, startFakeManager } from "../../test/support/cli-fake-manager.ts";
import { type FakeTerminal, fakeTerminal } from "../../test/support/cli-fake-terminal.ts";
import { scheduleId, scheduleViewOf, taskUid, taskViewOf } from "../../test/support/cli-task-views.ts";
import { runCli } from "./main.ts";

let manager: FakeManager;
let environment: Record<string, string>;
let last: TaskView;

beforeEach(async () => {
  manager = await startFakeManager({});
  environment = { HOME: "/nowhere", BACKLOT_SERVER: manager.url, BACKLOT_TOKEN: fakeToken };
  last = taskViewOf({ state: "succeeded", code: 0 });
  manager.handlers["tasks.create"] = () => ({ task: taskViewOf() });
  manager.handlers["tasks.read"] = () => ({ task: last, attempts: [] });
  manager.handlers["tasks.log"] = () => new RawReply("");
});
afterEach(async () => {
  vi.useRealTimers();
  await manager[Symbol.asyncDispose]();
});

async function run(argv: readonly string[], terminal: FakeTerminal = fakeTerminal()) {
  const exitCode = await runCli(argv, environment, terminal);
  return { exitCode, out: terminal.outText(), err: terminal.errText() };
}

const piece = (offset: number, text: string, skipped = 0): string => {
  const next = offset + Buffer.byteLength(text);
  return formatEvent({ offset, next, text, skipped }, String(next));
};

function outputs(byStream: Readonly<Record<string, readonly string[]>>): void {
  manager.handlers["tasks.log"] = ({ params }) => new RawReply((byStream[params.stream ?? ""] ?? []).join(""));
}

test("task show says what became of a task, and of its attempts", async () => {
  const at = "2025-01-02T03:04:05.000Z";
  const first = { attempt: 1, startedAt: at, finishedAt: "2025-01-02T03:04:06.500Z", end: "exited", code: 3, signal: null } as const;
  last = taskViewOf({ state: "succeeded", code: 0, attempt: 2, startedAt: at, finishedAt: at, cpuMs: 12, peakMemoryBytes: 3_000_000 });
  const attempts = [{ ...first, reason: "It exited with code 3. It is tried again.", cpuMs: 5, peakMemoryBytes: 1 }];
  manager.handlers["tasks.read"] = () => ({ task: last, attempts });
  const { exitCode, out } = await run(["task", "show", taskUid]);
  expect(exitCode).toBe(0);
  expect(out).toMatch(/^state +succeeded$/m);
  expect(out).toMatch(/^cpu +12 ms$/m);
  expect(out).toMatch(/^1 .* 1\.5 s +exited +3 +It exited with code 3\. It is tried again\.$/m);
  expect(JSON.parse((await run(["task", "show", taskUid, "--json"])).out)).toEqual({ task: last, attempts });
});

describe("task run", () => {
  test("sends what was typed", async () => {
    let body: unknown;
    manager.handlers["tasks.create"] = (call) => {
      body = call.body;
      return { task: taskViewOf() };
    };
    const argv =
      "task run backup.sh a --site chess --param file=x=y --param of=1 --param of=2 --env A=b= --priority -5 --timeout 1.5 --retries 2 --detach -- --verbose";
    expect(await run(argv.split(" "))).toEqual({ exitCode: 0, out: `${taskUid}\n`, err: "" });
    expect(body).toEqual({
      script: "backup.sh",
      arguments: ["a", "--verbose"],
      parameters: { file: "x=y", of: ["1", "2"] },
      site: "chess",
      priority: -5,
      timeoutSeconds: 1.5,
      retry: { retries: 2 },
      environment: { A: "b=" },
    });
    await run(["task", "run", "--command", "ls $1", "x", "--detach"]);
    expect(body).toEqual({ command: "ls $1", arguments: ["x"] });
    expect(manager.asked).toEqual(["tasks.create", "tasks.create"]);
  });

  test("shows both outputs where they belong and ends with 0", async () => {
    outputs({ stdout: [piece(0, "one\n"), piece(4, "two\n", 17)], stderr: [piece(0, "oops\n")] });
    const { exitCode, out, err } = await run(["task", "run", "touch.sh"]);
    expect({ exitCode, out }).toEqual({ exitCode: 0, out: "one\ntwo\n" });
    expect(err.split("\n").toSorted()).toEqual(["", `Task ${taskUid}`, "oops", "— 17 bytes of stdout were not kept —"].toSorted());
  });

  test.for<[Partial<TaskView>, number, string]>([
    [{ state: "failed", code: 3 }, 3, "The task has failed with code 3."],
    [{ state: "failed", code: 127, reason: "There is no script touch.sh any more." }, 127, "The task has failed: There is no script touch.sh any more."],
    [{ state: "failed", signal: "SIGKILL" }, 137, "The task has failed (SIGKILL)."],
    [{ state: "timed-out", signal: "SIGTERM" }, 124, "The task took too long and was ended."],
    [{ state: "cancelled", signal: "SIGTERM" }, 130, "The task was cancelled."],
    [{ state: "lost", reason: "The orchestrator ended while it ran." }, 1, "The task was lost: The orchestrator ended while it ran."],
    [{ state: "rejected", reason: "Too old." }, 1, "The task could not be started: Too old."],
  ])("of a task %o ends with %i", async ([over, code, text]) => {
    last = taskViewOf(over);
    expect(await run(["task", "run", "touch.sh"])).toEqual({ exitCode: code, out: "", err: `Task ${taskUid}\n${text}\n` });
  });

  test("goes on where a broken stream ended, with no byte twice", async () => {
    const asked: (string | null)[] = [];
    last = taskViewOf({ state: "running" });
    manager.handlers["tasks.log"] = ({ params, query }) => {
      if (params.stream === "stderr") return new RawReply("");
      asked.push(query.get("offset"));
      if (asked.length === 1) return new RawReply(pieces(piece(0, "one\n")), { hangUp: true });
      last = taskViewOf({ state: "succeeded", code: 0 });
      return new RawReply(piece(4, "two\n"));
    };
    expect(await run(["task", "run", "touch.sh"])).toMatchObject({ exitCode: 0, out: "one\ntwo\n" });
    expect(asked).toEqual(["0", "4"]);
  });

  test("follows on through cuts that are hours apart: only one absence has an end to its patience", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    last = taskViewOf({ state: "running" });
    const asked: (string | null)[] = [];
    manager.handlers["tasks.log"] = ({ params, query }) => {
      if (params.stream === "stderr") return new RawReply("");
      asked.push(query.get("offset"));
      if (asked.length > 1) vi.setSystemTime(Date.now() + 7_200_000);
      if (asked.length === 1) return new RawReply(pieces(piece(0, "one\n")), { hangUp: true });
      if (asked.length === 2) return new RawReply(pieces(piece(4, "two\n")), { hangUp: true });
      last = taskViewOf({ state: "succeeded", code: 0 });
      return new RawReply(piece(8, "three\n"));
    };
    expect(await run(["task", "run", "touch.sh"])).toMatchObject({ exitCode: 0, out: "one\ntwo\nthree\n" });
    expect(asked).toEqual(["0", "4", "8"]);
  });

  test("gives up when the server stays away for longer than a minute", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    last = taskViewOf({ state: "running" });
    manager.handlers["tasks.log"] = () => {
      vi.setSystemTime(Date.now() + 40_000);
      throw new Failure("not_ready");
    };
    expect(await run(["task", "run", "touch.sh"])).toMatchObject({ exitCode: 5 });
  });

  test("as JSON gives one value, and ends with the task's code all the same", async () => {
    last = taskViewOf({ state: "failed", code: 4 });
    outputs({ stdout: [piece(0, "noise\n")] });
    const { exitCode, out } = await run(["task", "run", "touch.sh", "--json"]);
    expect([exitCode, JSON.parse(out)]).toEqual([4, { task: last }]);
    expect(JSON.parse((await run(["task", "run", "touch.sh", "--json", "--detach"])).out)).toEqual({ task: taskViewOf() });
  });

  test("tells a refusal with the server's own sentence", async () => {
    manager.handlers["tasks.create"] = () => {
      throw new Failure("script_not_found", { script: "x.sh", known: "There are: touch.sh." });
    };
    expect(await run(["task", "run", "x.sh"])).toEqual({
      exitCode: 1,
      out: "",
      err: "error: There is no script called x.sh; choose another one. There are: touch.sh.\n",
    });
  });

  test.for([
    ["--param", "novalue"],
    ["--env", "=x"],
    ["--priority", "high"],
    ["--priority", "1.5"],
    ["--timeout", ""],
  ])("%s %s is a mistake in what was typed", async ([option, value]) => {
    expect((await run(["task", "run", "x.sh", option ?? "", value ?? ""])).exitCode).toBe(2);
    expect(manager.asked).toEqual([]);
  });

  test("does not let a script drive the terminal, but leaves a pipe alone", async () => {
    outputs({ stdout: [piece(0, "\u001b]0;evil\u0007\n")] });
    expect((await run(["task", "run", "x.sh"], fakeTerminal({ isTty: true }))).out).not.toContain("\u001b");
    expect((await run(["task", "run", "x.sh"])).out).toContain("\u001b]0;evil");
  });
});

describe("Ctrl-C while a task runs", () => {
  beforeEach(() => {
    last = taskViewOf({ state: "running" });
    manager.handlers["tasks.log"] = () => new RawReply(forever(piece(0, "one\n")));
    manager.handlers["tasks.cancel"] = () => ({ task: taskViewOf({ state: "running", isCancelRequested: true }) });
  });

  test("leaves it running where nobody can be asked, and says how to go on", async () => {
    const terminal = fakeTerminal();
    const running = run(["task", "run", "x.sh"], terminal);
    await until(() => terminal.outText() !== "");
    expect(terminal.interrupt()).toBe(true);
    expect(await running).toMatchObject({ exitCode: 130, err: expect.stringContaining(`backlot task cancel ${taskUid}`) });
    expect(manager.asked).not.toContain("tasks.cancel");
    expect(terminal.interrupt()).toBe(false);
  });

  test.for([
    ["y\r", true],
    ["n\r", false],
    ["\r", false],
    ["\u0003", false],
  ] as const)("asks once at a keyboard: %j", async ([keys, isCancelled]) => {
    const terminal = fakeTerminal({ isTty: true });
    const running = run(["task", "run", "x.sh"], terminal);
    await until(() => terminal.outText() !== "");
    terminal.interrupt();
    await until(() => terminal.errText().includes("[y/N]"));
    terminal.interrupt();
    terminal.keyboard.write(keys);
    expect((await running).exitCode).toBe(130);
    expect(manager.asked.includes("tasks.cancel")).toBe(isCancelled);
  });
});

describe("the other commands about tasks", () => {
  test("ls shows the newest, narrowed as asked, page by page", async () => {
    const queries: string[] = [];
    manager.handlers["tasks.list"] = ({ query }) => {
      queries.push(query.toString());
      const task = taskViewOf({
        site: "chess",
        state: "failed",
        code: 2,
        arguments: ["a\u001b[31m\nb"],
        startedAt: "2025-01-02T03:04:05.000Z",
        finishedAt: "2025-01-02T03:04:06.500Z",
      });
      return { tasks: [task], next: query.get("cursor") === null ? "c2" : null };
    };
    const { out } = await run("task ls --site chess --state failed --search x --since 2025-01-01 --limit 2".split(" "));
    expect(out.split("\n")[0]).toMatch(/^UID +STATE +CODE +SITE +CREATED +TOOK +WHAT$/);
    expect(out.split("\n")[1]).toBe(`${taskUid}  failed  2     chess  2025-01-02T03:04:05.000Z  1.5 s  touch.sh a\ufffd[31m b`);
    expect(queries).toEqual([
      "site=chess&search=x&since=2025-01-01T00%3A00%3A00.000Z&state=failed&limit=2",
      "site=chess&search=x&since=2025-01-01T00%3A00%3A00.000Z&state=failed&cursor=c2&limit=1",
    ]);
    expect((await run(["task", "ls", "--state", "gone"])).exitCode).toBe(2);
    expect((await run(["task", "ls", "--since", "whenever"])).exitCode).toBe(2);
    expect(JSON.parse((await run(["task", "ls", "--json", "--limit", "1"])).out).tasks).toHaveLength(1);
  });

  test("logs prints what there is, or follows until the end", async () => {
    manager.handlers["tasks.log"] = ({ params, query }) =>
      query.get("follow") === "true"
        ? new RawReply(piece(0, `${params.stream}\n`))
        : new RawReply(`all of ${params.stream}\n`, { headers: { "x-backlot-next-offset": "14" } });
    expect(await run(["task", "logs", taskUid])).toEqual({ exitCode: 0, out: "all of stdout\n", err: "" });
    expect(await run(["task", "logs", taskUid, "-f", "--stderr"])).toEqual({ exitCode: 0, out: "stderr\n", err: "" });
    expect(JSON.parse((await run(["task", "logs", taskUid, "--json"])).out)).toEqual({ stream: "stdout", text: "all of stdout\n", next: 14 });
    expect(JSON.parse((await run(["task", "logs", taskUid, "-f", "--json"])).out)).toEqual({
      stream: "stdout",
      offset: 0,
      next: 7,
      text: "stdout\n",
      skipped: 0,
    });
  });

  test("cancel says what came of it, and an unknown uid ends with 4", async () => {
    const states: Partial<TaskView>[] = [{ state: "cancelled" }, { state: "running", isCancelRequested: true }, { state: "failed", code: 3 }];
    manager.handlers["tasks.cancel"] = () => ({ task: taskViewOf(states.shift()) });
    expect((await run(["task", "cancel", taskUid])).out).toBe(`Task ${taskUid} is cancelled.\n`);
    expect((await run(["task", "cancel", taskUid])).out).toBe(`Task ${taskUid} is being cancelled.\n`);
    expect((await run(["task", "cancel", taskUid])).out).toBe(`Task ${taskUid} had ended already. The task has failed with code 3.\n`);
    manager.handlers["tasks.cancel"] = () => {
      throw new Failure("task_not_found");
    };
    expect((await run(["task", "cancel", taskUid])).exitCode).toBe(4);
  });

  test("rerun follows the new task, or only names it", async () => {
    manager.handlers["tasks.rerun"] = () => ({ task: taskViewOf({ uid: scheduleId, rerunOf: taskUid }) });
    last = taskViewOf({ state: "failed", code: 9 });
    expect((await run(["task", "rerun", taskUid])).exitCode).toBe(9);
    expect((await run(["task", "rerun", taskUid, "--detach"])).out).toBe(`${scheduleId}\n`);
  });

  test("scripts lists the library, or a site's", async () => {
    const script = { path: "a.sh", size: 1, modifiedAt: "2025-01-01T00:00:00Z", isExecutable: false, manual: { title: "Does a" }, manualProblem: null };
    manager.handlers["scripts.list"] = () => ({ scripts: [script], allowsCommands: false });
    manager.handlers["sites.scripts"] = () => ({ scripts: [], allowsCommands: false });
    expect((await run(["task", "scripts"])).out).toBe("SCRIPT                  WHAT IT DOES\na.sh    not executable  Does a\n");
    expect((await run(["task", "scripts", "--site", "chess"])).out).toContain("private/scripts");
  });
});

describe("schedules", () => {
  test("are listed, made, paused, resumed, run and deleted", async () => {
    const bodies: unknown[] = [];
    manager.handlers["schedules.list"] = () => ({ schedules: [scheduleViewOf(), scheduleViewOf({ isPaused: true, problem: "Ann left." })], next: null });
    manager.handlers["schedules.create"] = ({ body }) => {
      bodies.push(body);
      return { schedule: scheduleViewOf() };
    };
    manager.handlers["schedules.update"] = ({ body }) => {
      bodies.push(body);
      return { schedule: scheduleViewOf(body as { isPaused: boolean }) };
    };
    manager.handlers["schedules.run"] = () => ({ uid: taskUid });
    manager.handlers["schedules.delete"] = () => undefined;
    const [, first, second] = (await run(["schedule", "ls"])).out.split("\n");
    expect([first, second]).toEqual([
      expect.stringMatching(/nightly +chess +30 5 \* \* 1 UTC +2025-01-06T05:30/),
      expect.stringMatching(/paused +Ann left\.$/),
    ]);
    const add = ["schedule", "add", "nightly", "30 5 * * 1", "backup.sh", "x", "--site", "chess", "--time-zone", "Europe/Berlin", "--overlap", "queue"];
    expect(await run(add)).toEqual({ exitCode: 0, out: `${scheduleId}\n`, err: "It runs next at 2025-01-06T05:30:00.000Z.\n" });
    expect((await run(["schedule", "pause", scheduleId])).out).toBe("nightly is paused.\n");
    expect((await run(["schedule", "resume", scheduleId])).out).toBe("nightly runs again: 2025-01-06T05:30:00.000Z.\n");
    expect((await run(["schedule", "run", scheduleId])).out).toBe(`${taskUid}\n`);
    expect((await run(["schedule", "rm", scheduleId])).exitCode).toBe(0);
    expect((await run([...add, "--catch-up", "some"])).exitCode).toBe(2);
    const task = { script: "backup.sh", arguments: ["x"], site: "chess" };
    expect(bodies).toEqual([
      { name: "nightly", cron: "30 5 * * 1", timeZone: "Europe/Berlin", overlap: "queue", catchUp: "last", isPaused: false, task },
      { isPaused: true },
      { isPaused: false },
    ]);
  });
});

async function* pieces(...all: readonly string[]): AsyncGenerator<string> {
  yield* all;
  // Long enough for what was written to arrive before the connection goes.
  await new Promise((resolve) => setTimeout(resolve, 50));
}

async function* forever(first: string): AsyncGenerator<string> {
  yield first;
  await new Promise(() => undefined);
}

async function until(isThere: () => boolean): Promise<void> {
  while (!isThere()) await new Promise((resolve) => setTimeout(resolve, 5));
}
