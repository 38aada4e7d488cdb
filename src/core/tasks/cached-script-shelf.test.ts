import { expect, test } from "vitest";
import { Failure } from "#contract/failure.ts";
import { fakeScript } from "../../../test/support/fake-runs.ts";
import { CachedScriptShelf } from "./cached-script-shelf.ts";

function shelf() {
  const state = { now: 0, asked: 0, paths: ["a.sh"], unlisted: [] as string[], isAway: false };
  const read = async () => {
    state.asked += 1;
    if (state.isAway) throw new Failure("component_away", { component: "orchestrator" });
    return { scripts: state.paths.map((path) => fakeScript(path)), allowsCommands: true };
  };
  const describe = async (_siteId: number | null, path: string) => (state.unlisted.includes(path) ? fakeScript(path) : null);
  return { state, scripts: new CachedScriptShelf({ list: read, describe }, { now: () => state.now }) };
}

test("a list is asked for once a second, for all who ask at once too, and for each place by itself", async () => {
  const { state, scripts } = shelf();
  await Promise.all([scripts.list(null), scripts.list(null), scripts.find(null, "a.sh")]);
  expect(state.asked).toBe(1);
  await scripts.list(7);
  expect(state.asked).toBe(2);
  state.now = 999;
  await scripts.list(null);
  expect(state.asked).toBe(2);
  state.now = 1_000;
  await scripts.list(null);
  expect(state.asked).toBe(3);
});

test("a script that was put there a moment ago, or that a list has no room for, is found", async () => {
  const { state, scripts } = shelf();
  expect(await scripts.find(null, "b.sh")).toBeNull();
  state.unlisted = ["b.sh"];
  expect(await scripts.find(null, "b.sh")).toMatchObject({ path: "b.sh" });
});

test("what failed is asked for again", async () => {
  const { state, scripts } = shelf();
  state.isAway = true;
  await expect(scripts.find(null, "a.sh")).rejects.toMatchObject({ code: "component_away" });
  state.isAway = false;
  expect(await scripts.find(null, "a.sh")).toMatchObject({ path: "a.sh" });
});

test("a list is asked for anew when the clock was set back, however far", async () => {
  const { state, scripts } = shelf();
  state.now = 3_600_000;
  await scripts.list(null);
  state.now = 0;
  await scripts.list(null);
  expect(state.asked).toBe(2);
});
