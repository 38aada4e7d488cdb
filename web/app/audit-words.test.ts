import { expect, test } from "vitest";
import { auditWords, detailsText } from "./audit-words.ts";

test("a known action reads as the rest of a sentence, an unknown one is still shown", () => {
  expect(auditWords("sites.restart")).toBe("restarted the site");
  expect(auditWords("backups.restore")).toBe("backups restore");
});

test("details are one line without what is empty", () => {
  expect(detailsText({ from: "robots", reason: null, changed: ["name", "kind"], bytes: 3 })).toBe("from: robots, changed: name and kind, bytes: 3");
  expect(detailsText({})).toBe("");
});
