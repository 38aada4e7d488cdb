import { expect, test } from "vitest";
import { isMissed, isPolled } from "./missed-events.ts";

test("after a break of the events the list and each shown site are read again", () => {
  expect(isMissed(["sites", { search: "", all: false }])).toBe(true);
  expect(isMissed(["site", "chess"])).toBe(true);
  expect(isMissed(["site", "chess", "operations"])).toBe(true);
  expect(isMissed(["site", "chess", "history", "of", "run.sh"])).toBe(true);
});

test("what costs much, and what has nothing to do with sites, is left alone", () => {
  expect(isMissed(["site", "chess", "environment"])).toBe(false);
  expect(isMissed(["site", "chess", "search", { text: "x" }])).toBe(false);
  expect(isMissed(["site", "chess", "history", "bytes", 7])).toBe(false);
  expect(isMissed(["tasks", {}])).toBe(false);
  expect(isMissed([])).toBe(false);
});

test("while no stream has room only what shows the states of sites is asked for, not what else a page has read", () => {
  expect([isPolled(["sites", { search: "" }]), isPolled(["site", "chess"])]).toEqual([true, true]);
  expect([["site", "chess", "files", "folder", ""], ["site", "chess", "usage"], ["tasks", {}], []].map(isPolled)).toEqual([false, false, false, false]);
});
