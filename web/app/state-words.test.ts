import { expect, test } from "vitest";
import { siteStates } from "#contract/site.ts";
import { isPassing, operationWords, stateWords } from "./state-words.ts";

test("every state has a word and a sentence of its own", () => {
  const all = siteStates.map((state) => stateWords(state));
  expect(new Set(all.map(({ label }) => label)).size).toBe(siteStates.length);
  for (const { meaning } of all) expect(meaning).toMatch(/^[A-Z].*\.$/);
});

test("a static site is online rather than running, since it runs nothing", () => {
  expect(stateWords("running", "static").label).toBe("Online");
  expect(stateWords("running", "dynamic").label).toBe("Running");
  expect(stateWords("disabled", "static").label).toBe("Disabled");
});

test("only starting and stopping pass by themselves", () => {
  expect(siteStates.filter(isPassing)).toEqual(["starting", "stopping"]);
});

test("an operation is told as a sentence about its site", () => {
  const of = (state: "queued" | "running" | "succeeded" | "failed") => operationWords({ kind: "restart", site: "chess", state });
  expect([of("queued"), of("running"), of("succeeded"), of("failed")]).toEqual([
    "Restarting chess",
    "Restarting chess",
    "chess was restarted",
    "chess could not be restarted",
  ]);
});
