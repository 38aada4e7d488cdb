import { expect, test } from "vitest";
import { emptyDraft } from "./run-draft.ts";
import { emptyPlan, scheduleRequest } from "./schedule-draft.ts";

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
