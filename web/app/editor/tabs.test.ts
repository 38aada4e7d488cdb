import { expect, test } from "vitest";
import { isAtOrBelow, maxTabs, movedPath, neighbourOf, openTab, tabLabel } from "./tabs.ts";

const never = (): boolean => false;

test("a file opens behind the present tab, and an open one stays where it is", () => {
  expect(openTab(["a", "b", "c"], "x", { after: "a", isNeeded: never })).toEqual(["a", "x", "b", "c"]);
  expect(openTab(["a", "b"], "x", { after: null, isNeeded: never })).toEqual(["a", "b", "x"]);
  expect(openTab(["a", "b"], "a", { after: "b", isNeeded: never })).toEqual(["a", "b"]);
});

test("one tab too many closes the leftmost that holds no unsaved work and is not looked at", () => {
  const full = Array.from({ length: maxTabs }, (_, index) => `f${index}`);
  const opened = openTab(full, "x", { after: "f1", isNeeded: (path) => path === "f0" });
  expect(opened).toEqual([...full.slice(0, 2), "x", ...full.slice(3)]);
  expect(openTab(full, "x", { after: "f1", isNeeded: () => true })).toHaveLength(maxTabs + 1);
});

test("closing shows the right neighbour, else the left one", () => {
  expect(neighbourOf(["a", "b", "c"], "b")).toBe("c");
  expect(neighbourOf(["a", "b", "c"], "c")).toBe("b");
  expect(neighbourOf(["a"], "a")).toBeNull();
});

test("what lies in a moved folder moves with it; what only begins with the same letters does not", () => {
  const move = { from: "public/img", to: "private/pictures" };
  expect(movedPath("public/img/a.png", move)).toBe("private/pictures/a.png");
  expect(movedPath("public/img", move)).toBe("private/pictures");
  expect(movedPath("public/img2/a.png", move)).toBe("public/img2/a.png");
  expect(isAtOrBelow("public", "public")).toBe(true);
});

test("tabs of the same name tell their folders apart", () => {
  const tabs = ["a/x/index.html", "b/x/index.html", "style.css", "index.html"];
  expect(tabLabel(tabs, "a/x/index.html")).toEqual({ name: "index.html", folder: "a/x" });
  expect(tabLabel(tabs, "style.css")).toEqual({ name: "style.css", folder: "" });
  expect(tabLabel(tabs, "index.html")).toEqual({ name: "index.html", folder: "site's folder" });
  expect(tabLabel(["a/index.html", "b/index.html"], "b/index.html").folder).toBe("b");
});
