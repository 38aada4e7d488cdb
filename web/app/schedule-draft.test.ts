import { expect, test } from "vitest";
import { emptyDraft } from "./run-draft.ts";
import { emptyPlan, scheduleChange, scheduleRequest } from "./schedule-draft.ts";

test("both halves of the form make one schedule", () => {
  const plan = { ...emptyPlan(), name: " Nightly ", cron: "0 4 * * * ", timeZone: "Europe/Berlin" };
  expect(scheduleRequest(plan, { draft: { ...emptyDraft, command: "true" }, site: null })).toEqual({
    kind: "body",
    body: { name: "Nightly", cron: "0 4 * * *", timeZone: "Europe/Berlin", overlap: "skip", catchUp: "last", task: { command: "true", arguments: [] } },
  });
});

test("what is missing in either half is told", () => {
  expect(scheduleRequest({ ...emptyPlan(), cron: " " }, { draft: emptyDraft, site: null })).toEqual({
    kind: "problems",
    problems: { "": "Choose a script.", name: "Give it a name.", cron: "Say when it runs." },
  });
});

test("only what was touched is sent: the rest is no wish of the one who saves", () => {
  const plan = { ...emptyPlan(), name: "Nightly", timeZone: "UTC" };
  const kept = { script: "backup.sh", arguments: ["all"], environment: { TOKEN: "" }, retry: { retries: 2 } };
  const { retry, environment } = kept;
  const body = { ...plan, name: "Every night", task: { script: "backup.sh", arguments: ["some"] } };
  expect(scheduleChange(body, { plan, task: kept, isTaskTouched: false })).toEqual({ name: "Every night" });
  expect(scheduleChange({ ...body, ...plan }, { plan, task: kept, isTaskTouched: false })).toEqual({});
  expect(scheduleChange(body, { plan, task: kept, isTaskTouched: true })).toEqual({ name: "Every night", task: { ...body.task, environment, retry } });
});
