import { describe, expect, it } from "vitest";
import { defaultRunLimits, type RunEnd, type TaskState } from "#contract/task.ts";
import type { Task, TaskResult } from "#core/tasks/task.ts";
import { legacyRequestOf, listedRowOf, retcodeOf, rowOf } from "./legacy-row.ts";
import { pythonJson } from "./python-text.ts";
import { isDict, parsePythonJson } from "./python-value.ts";

const created = new Date("2018-12-23T21:26:14.356Z");

function given(text: string) {
  const value = parsePythonJson(text);
  if (!isDict(value)) throw new Error("not a dict");
  return value;
}

function result(changes: Partial<TaskResult> = {}): TaskResult {
  return {
    end: "exited",
    code: 0,
    signal: null,
    diskBeforeBytes: 3_196_336 * 1024 + 1023,
    diskAfterBytes: 3_196_328 * 1024,
    cpuMs: 1,
    peakMemoryBytes: 1,
    stdoutBytes: 0,
    stderrBytes: 0,
    isOutputCut: false,
    ...changes,
  };
}

function task(changes: Partial<Task> = {}): Task {
  return {
    id: 1,
    uid: "604a5e38-06f9-11e9-a0e9-0242ac140004",
    state: "queued",
    reason: null,
    site: null,
    program: { kind: "script", path: "touch.sh" },
    arguments: ["sample_file.txt"],
    // As the database gives it back.
    legacy: JSON.parse(JSON.stringify(legacyRequestOf("touch.sh", given('{"":"sample_file.txt"}')))) as Task["legacy"],
    environmentNames: [],
    priority: 0,
    retry: { retries: 0, delaySeconds: 10, onLost: "fail" },
    limits: defaultRunLimits,
    attempt: 0,
    createdBy: null,
    schedule: null,
    rerunOf: null,
    idempotencyKey: null,
    createdAt: created,
    runAt: created,
    startedAt: null,
    finishedAt: null,
    cancelRequestedAt: null,
    result: null,
    ...changes,
  };
}

const ended: Partial<Task> = {
  state: "succeeded",
  startedAt: new Date("2018-12-23T21:28:11.832Z"),
  finishedAt: new Date("2018-12-23T21:28:12.000Z"),
  result: result(),
};

describe("a task as the original shows it", () => {
  it("has the README's fields in the README's order, empty until it ran", () => {
    expect(pythonJson(rowOf(task()))).toBe(
      '{"id": 1, "uid": "604a5e38-06f9-11e9-a0e9-0242ac140004", "created": "2018-12-23T21:26:14.356000Z", "script": "touch.sh", "arguments": {"": "sample_file.txt"}, ' +
        '"started": null, "finished": null, "diskspace_before": null, "diskspace_after": null, "retcode": null}',
    );
  });

  it("has its results in UTC and in KiB, and no fraction at a full second", () => {
    expect(pythonJson(rowOf(task(ended)))).toContain(
      '"started": "2018-12-23T21:28:11.832000Z", "finished": "2018-12-23T21:28:12Z", "diskspace_before": 3196336, "diskspace_after": 3196328, "retcode": 0}',
    );
  });

  it("has Python's text of its arguments among others", () => {
    const legacy = legacyRequestOf("mkdir.sh", given('{"-p":"","":"sample_dir","n":1.0,"é":["x",null,true,{"10":1,"9":2}]}'));
    expect(pythonJson(listedRowOf(task({ legacy })))).toContain(
      `"arguments": "{'-p': '', '': 'sample_dir', 'n': 1.0, '\\u00e9': ['x', None, True, {'10': 1, '9': 2}]}"`,
    );
  });

  it("has numbers beyond 32 bits", () => {
    expect(pythonJson(rowOf(task({ ...ended, id: 5_000_000_000, result: result({ diskAfterBytes: 5_000_000_000_000_000 }) })))).toMatch(
      /^\{"id": 5000000000, .*"diskspace_after": 4882812500000, /,
    );
  });

  it("shows one that came by another way with its words as a shell would take them", () => {
    const row = task({ legacy: null, arguments: ["-p", "two words"] });
    expect(pythonJson(rowOf(row))).toContain(`"script": "touch.sh", "arguments": {"": "-p 'two words'"}`);
    expect(pythonJson(rowOf(task({ legacy: null, arguments: [], program: { kind: "command", command: "echo $1" } })))).toContain(
      '"script": "echo $1", "arguments": {}',
    );
  });

  it("is not finished while another attempt is to follow", () => {
    expect(pythonJson(rowOf(task({ ...ended, state: "queued" })))).toContain('"finished": null');
  });
});

describe("the return code", () => {
  const code = (state: TaskState, changes: Partial<TaskResult> | null): number | null =>
    retcodeOf(task({ ...ended, state, result: changes === null ? null : result(changes) }));
  const none = { code: null, signal: null };
  const table: readonly (readonly [TaskState, Partial<TaskResult> | null, number | null])[] = [
    ["queued", null, null],
    ["running", null, null],
    ["succeeded", { code: 0 }, 0],
    ["failed", { code: 1 }, 1],
    ["failed", { code: 99 }, 99],
    ["failed", { code: 255 }, 255],
    ["failed", { end: "not-executable", code: 126 }, 126],
    ["failed", { end: "not-found", code: 127 }, 127],
    ["rejected", { end: "not-found", ...none }, 127],
    ["rejected", { end: "not-executable", ...none }, 126],
    ["failed", { end: "signalled", code: null, signal: "SIGSEGV" }, -11],
    ["failed", { end: "out-of-memory", code: null, signal: "SIGKILL" }, -9],
    ["timed-out", { end: "timed-out", code: null, signal: "SIGTERM" }, -15],
    ["timed-out", { end: "timed-out", ...none }, -9],
    ["cancelled", { end: "cancelled", code: null, signal: "SIGKILL" }, -9],
    ["cancelled", null, -15],
    ["rejected", { end: "refused" satisfies RunEnd, ...none }, 99],
    ["rejected", null, 99],
    ["lost", { end: "lost", ...none }, 99],
    ["lost", null, 99],
  ];
  it.each(table)("of %s with %j is %j", (state, changes, expected) => {
    expect(code(state, changes)).toBe(expected);
  });

  it("is 99 where the original's runner failed over an argument that is no text, whatever ended", () => {
    const legacy = legacyRequestOf("ls.sh", given('{"n":5}'));
    expect(retcodeOf(task({ ...ended, state: "failed", legacy, result: result({ end: "not-found", code: 127 }) }))).toBe(99);
    expect(retcodeOf(task({ legacy }))).toBeNull();
  });
});
