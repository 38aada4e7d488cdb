import { expect, test } from "vitest";
import type { ScriptView } from "#contract/task.ts";
import { draftOf, emptyDraft, requestOf } from "./run-draft.ts";

const script: ScriptView = {
  path: "backup.sh",
  size: 10,
  modifiedAt: "2026-11-22T10:00:00.000Z",
  isExecutable: true,
  manual: { parameters: [{ name: "target", type: "text", isRequired: true, isMultiple: false }], allowsMoreArguments: true },
  manualProblem: null,
};

test("a filled form becomes a task, in the site that it is for", () => {
  const draft = { ...emptyDraft, script, values: { target: "disk" }, more: "one\ntwo three\n", timeoutSeconds: "60", priority: "5" };
  expect(requestOf(draft, "chess")).toEqual({
    kind: "body",
    body: { script: "backup.sh", parameters: { target: "disk" }, arguments: ["one", "two three"], site: "chess", timeoutSeconds: 60, priority: 5 },
  });
});

test("a command needs no script, and has no site in the home folder", () => {
  expect(requestOf({ ...emptyDraft, command: "ls -l" }, null)).toEqual({ kind: "body", body: { command: "ls -l", arguments: [] } });
});

test("what is missing or wrong is told at its field", () => {
  expect(requestOf({ ...emptyDraft, script, timeoutSeconds: "soon", priority: "1.5" }, null)).toEqual({
    kind: "problems",
    problems: { "parameter target": "This is required.", timeoutSeconds: "Type a number of seconds.", priority: "A whole number from -100 to 100." },
  });
  expect(requestOf(emptyDraft, null)).toEqual({ kind: "problems", problems: { "": "Choose a script." } });
  expect(requestOf({ ...emptyDraft, command: " " }, null)).toEqual({ kind: "problems", problems: { command: "Type a command." } });
});

test("the form of a task that exists gives the same task again", () => {
  const body = { script: "backup.sh", parameters: { target: "disk" }, arguments: ["one"], timeoutSeconds: 60, priority: -3 };
  expect(requestOf(draftOf(body, [script]), null)).toEqual({ kind: "body", body });
  expect(draftOf({ ...body, script: "gone.sh" }, [script]).script).toBeNull();
});
