import { expect, it } from "vitest";
import type { PlannedEntry, UnpackedPlan } from "./archive-plan.ts";
import { growthOf, type Manifest, type Present, planPlacement } from "./placement.ts";

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

it("adds what it places and takes off what stood there and what goes, but no folder that holds anything else", () => {
  const file = (path: string, size: number) => ({ kind: "file", path, executable: false, size, sha256: "x" }) as const;
  const folder = (path: string) => ({ kind: "folder", path }) as const;
  const todo = {
    uploadId: "now",
    clear: [folder("was-folder"), file("was-folder/in", 1)],
    entries: [folder("kept"), { ...file("kept/a", 100), staged: 1 }, { ...file("was-folder", 30), staged: 2 }, linkAt("l")],
    remove: [folder("old"), folder("old/empty"), file("old/empty/b", 70), folder("shared"), file("shared/c", 5), file("gone", 900), folder("shut")],
  };
  const taken = new Map([
    ...(["kept", "was-folder", "old", "old/empty", "shared", "shut"] as const).map((path) => [path, 0] as const),
    ...([
      ["kept/a", 40],
      ["was-folder/in", 1],
      ["old/empty/b", 70],
      ["shared/c", 5],
    ] as const),
  ]);
  const held = new Map([
    ["old", 1],
    ["old/empty", 1],
    ["shared", 2],
  ]);
  // Four come, and eight go: the folder that somebody else has a file in stays, and so does the one that is shut.
  expect(growthOf(todo, { taken, held })).toEqual({ bytes: 100 + 30 + "elsewhere".length - 40 - 1 - 70 - 5, files: 4 - 8 });
});
