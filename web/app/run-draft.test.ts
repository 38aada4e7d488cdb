import { expect, test } from "vitest";
import type { ScriptView } from "#contract/task.ts";
import { following } from "./draft.ts";
import { draftOf, emptyDraft, fieldText, isTouched, requestOf, runRules } from "./run-draft.ts";

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

test("of several values each is a line, in the form and back", () => {
  expect(fieldText(["a", "b, c"])).toBe("a\nb, c");
  expect([fieldText(undefined), fieldText(7), fieldText("one")]).toEqual(["", "7", "one"]);
});

test("what others save comes into a form where nobody touched it, and what was typed stays", () => {
  const base = { script: "backup.sh", parameters: { target: "disk" }, arguments: ["one"] };
  const rules = runRules([script]);
  const began = rules.draftOf(base);
  expect(isTouched(began)).toBe(false);
  const theirs = { ...base, parameters: { target: "tape" }, arguments: ["two"], timeoutSeconds: 60 };
  const untouched = following(rules, { base, draft: began }, theirs).draft;
  expect(untouched.now).toMatchObject({ values: { target: "tape" }, more: "two", timeoutSeconds: "60" });
  expect(isTouched(untouched)).toBe(false);
  const typed = following(rules, { base, draft: { ...began, now: { ...began.now, values: { target: "mine" } } } }, theirs).draft;
  expect(typed.now).toMatchObject({ values: { target: "mine" }, more: "two", timeoutSeconds: "60" });
  expect(isTouched(typed)).toBe(true);
  const held = { base, draft: began };
  expect(following(rules, held, structuredClone(base))).toBe(held);
});

test("a script that came, went or changed meanwhile is no change of the person's", () => {
  const base = { script: "backup.sh", arguments: [] };
  const began = runRules([script]).draftOf(base);
  expect(isTouched(following(runRules([]), { base, draft: began }, { ...base, priority: 3 }).draft)).toBe(false);
});
