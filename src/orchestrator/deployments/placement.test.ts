import { expect, it } from "vitest";
import type { PlannedEntry, UnpackedPlan } from "./archive-plan.ts";
import { type Manifest, type Present, planPlacement } from "./placement.ts";

const linkAt = (path: string): PlannedEntry => ({ kind: "link", path, target: "elsewhere" });
const planOf = (entries: readonly PlannedEntry[]): UnpackedPlan => ({ files: entries.length, bytes: 0, entries: [...entries] });
const manifestOf = (entries: readonly Manifest["entries"][number][]): Manifest => ({ uploadId: "before", entries: [...entries] });

it("clears a folder that becomes a link with everything in it, and nothing that only begins alike", () => {
  const before = manifestOf([
    { kind: "folder", path: "a" },
    { kind: "folder", path: "a/b" },
    { kind: "link", path: "a/b/c", target: "x" },
    { kind: "link", path: "a-b", target: "x" },
    { kind: "folder", path: "d" },
    { kind: "folder", path: "d/a" },
  ]);
  const present = new Map<string, Present>([["a", "folder"]]);
  const todo = planPlacement("now", { plan: planOf([linkAt("a")]), before, present, ownFolders: new Set(["a"]), unchanged: new Set(["a/b/c", "a-b"]) });
  expect(todo.clear.map((entry) => entry.path)).toEqual(["a", "a/b", "a/b/c"]);
  expect(todo.remove.map((entry) => entry.path)).toEqual(["a-b", "d", "d/a"]);
});

// With a look through all that was placed for each of them it takes minutes, in which the orchestrator does nothing else.
it("plans a site's fifty thousand folders that all become links", () => {
  const paths = Array.from({ length: 50_000 }, (_, number) => `folder-${number}`);
  const todo = planPlacement("now", {
    plan: planOf(paths.map(linkAt)),
    before: manifestOf(paths.map((path) => ({ kind: "folder", path }))),
    present: new Map(paths.map((path) => [path, "folder"])),
    ownFolders: new Set(paths),
    unchanged: new Set(),
  });
  expect(todo.clear).toHaveLength(50_000);
  expect(todo.remove).toEqual([]);
});
