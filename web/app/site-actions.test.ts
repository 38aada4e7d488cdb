import { expect, test } from "vitest";
import { siteStates } from "#contract/site.ts";
import { actionsFor } from "./site-actions.ts";

const of = (state: (typeof siteStates)[number]) => actionsFor({ kind: "dynamic", state, availability: "enabled" });

test("what is offered fits the state", () => {
  expect(of("running")).toEqual(["restart", "sleep"]);
  expect(of("frozen")).toEqual(["restart", "sleep"]);
  expect(of("asleep")).toEqual(["wake"]);
  expect(of("crashed")).toEqual(["restart"]);
  expect(of("stopping")).toEqual([]);
});

test("static and disabled sites have no program to act on", () => {
  for (const state of siteStates) {
    expect(actionsFor({ kind: "static", state, availability: "enabled" })).toEqual([]);
    expect(actionsFor({ kind: "dynamic", state, availability: "disabled" })).toEqual([]);
  }
});
