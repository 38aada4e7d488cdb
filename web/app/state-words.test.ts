import { expect, test } from "vitest";
import { siteStates } from "#contract/site.ts";
import { isPassing, operationWords, progressWords, sentenceOf, stateWords } from "./state-words.ts";

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

test("how far it is, is told with the step that goes on", () => {
  const step = (name: string, state: "waiting" | "running" | "succeeded") => ({
    ...{ name, title: `Do ${name}`, state, attempt: 1, message: null, startedAt: null, finishedAt: null },
  });
  const of = (state: "running" | "succeeded", steps: Parameters<typeof progressWords>[0]["steps"]) =>
    progressWords({ kind: "wake", site: "chess", state, steps });
  expect(of("running", [step("a", "succeeded"), step("b", "running"), step("c", "waiting")])).toBe("Starting chess, step 2 of 3: Do b");
  expect(of("succeeded", [step("a", "succeeded")])).toBe("chess runs");
});

test.each([
  ["exited 1 five times; last line: Error: no module", "Exited 1 five times; last line: Error: no module."],
  ["Stopped by anna.", "Stopped by anna."],
  ['last line: "What now?"', 'Last line: "What now?"'],
])("the reason %j is told as a sentence", (reason, sentence) => void expect(sentenceOf(reason)).toBe(sentence));
