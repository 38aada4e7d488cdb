import { expect, test } from "vitest";
import { site } from "../../../test/support/builders.ts";
import { judgeDrift } from "./judge-drift.ts";

test("a site whose latest specification was applied needs nothing, running or asleep", () => {
  expect(judgeDrift(site({ revision: 4 }), 4)).toBe("none");
});

test("an orchestrator that missed a change, or lost the site, is told again", () => {
  expect(judgeDrift(site({ revision: 4 }), 3)).toBe("apply");
  expect(judgeDrift(site({ revision: 4 }), undefined)).toBe("apply");
});

test("unfinished creations and deletions are taken up again", () => {
  expect(judgeDrift(site({ lifecycle: "creating" }), undefined)).toBe("create");
  expect(judgeDrift(site({ lifecycle: "deleting" }), 1)).toBe("delete");
});
