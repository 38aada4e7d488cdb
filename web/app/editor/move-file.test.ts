// It looks at the page when it is loaded: before there is a pretended one.
import "@codemirror/view";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { SiteFiles } from "./site-files.fixture.ts";
import type { Workbench } from "./workbench.ts";

const patience = { timeout: 20_000 };
let files: SiteFiles;
let workbench: Workbench;
let shown: string | null;
let leave: (() => void) | undefined;
let moveWithUndo: typeof import("./move-file.ts")["moveWithUndo"];
let notices: typeof import("../notices.ts")["notices"];
let newWorkbench: () => Workbench;

beforeAll(async () => {
  vi.stubGlobal("window", new EventTarget());
  vi.stubGlobal("document", Object.assign(new EventTarget(), { visibilityState: "visible" }));
  vi.stubGlobal("IDBKeyRange", { bound: () => null });
  const refuse = (): never => {
    throw new Error("this browser keeps nothing");
  };
  vi.stubGlobal("indexedDB", { databases: refuse, open: refuse });
  vi.stubGlobal("fetch", ((input, init) => files.fetch(input, init)) satisfies typeof fetch);
  vi.resetModules();
  ({ moveWithUndo } = await import("./move-file.ts"));
  ({ notices } = await import("../notices.ts"));
  const { Workbench } = await import("./workbench.ts");
  // Pages of other tests hear what is told of a person's files.
  newWorkbench = () => new Workbench({ user: "max", site: { id: 1, name: "site" } });
});
afterAll(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});
beforeEach(() => {
  files = new SiteFiles();
  files.texts.set("a.txt", "one\n");
  workbench = newWorkbench();
  workbench.session.mayWrite = true;
  notices.set([]);
  shown = null;
  leave = undefined;
});

/** What the page does when its address names another file, and what happens when the page is left. */
function show(path: string | null): void {
  leave?.();
  shown = path;
  leave = path === null ? undefined : workbench.shows(path, show);
  if (path !== null) workbench.show(path);
}
const move = (from: string, to: string): Promise<void> => moveWithUndo({ workbench, open: show }, { from, to });
const isOpen = (path: string): Promise<void> => vi.waitFor(() => expect(workbench.session.files.get().get(path)?.kind).toBe("text"), patience);
async function undo(): Promise<void> {
  const run = notices.get().at(-1)?.action?.run;
  if (run === undefined) throw new Error("nothing is to be undone");
  const before = files.asked.length;
  run();
  await vi.waitFor(() => expect(files.asked.slice(before)).toContainEqual(expect.stringMatching(/^POST /)), patience);
}
function type(path: string, text: string): void {
  const state = workbench.session.stateOf(path);
  if (state === undefined) throw new Error(`${path} is not open`);
  workbench.session.note(path, state.update({ changes: { from: 0, insert: text } }).state, true);
}

test("the page follows the file that it shows, there and back", async () => {
  show("a.txt");
  await isOpen("a.txt");
  await move("a.txt", "b.txt");
  expect(shown).toBe("b.txt");
  expect(workbench.tabs.get()).toEqual(["b.txt"]);
  await undo();
  await vi.waitFor(() => expect(shown).toBe("a.txt"), patience);
  expect(workbench.tabs.get()).toEqual(["a.txt"]);
  expect([...workbench.session.files.get().keys()]).toEqual(["a.txt"]);
});

test("who has gone elsewhere by then is left there, whatever is taken back", async () => {
  files.texts.set("c.txt", "three\n");
  show("a.txt");
  await isOpen("a.txt");
  await move("a.txt", "b.txt");
  show("c.txt");
  await undo();
  await vi.waitFor(() => expect(workbench.tabs.get()).toContain("a.txt"), patience);
  expect(shown).toBe("c.txt");

  // Another page altogether, straight from the file.
  show("a.txt");
  await move("a.txt", "b.txt");
  show(null);
  await undo();
  await vi.waitFor(() => expect(workbench.tabs.get()).toContain("a.txt"), patience);
  expect(shown).toBeNull();
});

test("who has been elsewhere meanwhile and shows the file again follows what is taken back", async () => {
  show("a.txt");
  await isOpen("a.txt");
  await move("a.txt", "b.txt");
  show(null);
  show("b.txt");
  await undo();
  await vi.waitFor(() => expect(shown).toBe("a.txt"), patience);

  // Moved on before the address says where it is now.
  leave?.();
  const followed: string[] = [];
  leave = workbench.shows("a.txt", (path) => followed.push(path));
  workbench.moved({ from: "a.txt", to: "b.txt" });
  workbench.moved({ from: "b.txt", to: "c.txt" });
  expect(followed).toEqual(["b.txt", "c.txt"]);
});

test("what is renamed in another page of the browser has its tab follow, and the page that shows it", async () => {
  files.texts.set("c.txt", "three\n");
  show("c.txt");
  await isOpen("c.txt");
  show("a.txt");
  await isOpen("a.txt");
  const others = new BroadcastChannel("backlot-drafts");
  try {
    files.texts.set("b.txt", "one\n");
    others.postMessage({ kind: "moved", user: "max", site: "#2", from: "c.txt", to: "d.txt" });
    others.postMessage({ kind: "moved", user: "max", site: "#1", from: "a.txt", to: "b.txt" });
    await vi.waitFor(() => expect(shown).toBe("b.txt"), patience);
    expect(workbench.tabs.get()).toEqual(["c.txt", "b.txt"]);
    expect(workbench.session.stateOf("b.txt")?.doc.toString()).toBe("one\n");
  } finally {
    others.close();
  }
});

test("nothing is moved onto a file that has unsaved work, although the site has lost that file", async () => {
  files.texts.set("b.txt", "b\n");
  show("a.txt");
  await isOpen("a.txt");
  type("a.txt", "not saved: ");
  files.texts.delete("a.txt");
  show("b.txt");
  await isOpen("b.txt");
  await expect(move("b.txt", "a.txt")).rejects.toMatchObject({ code: "file_unsaved", details: { path: "a.txt" } });
  expect(files.texts.has("b.txt")).toBe(true);
  expect(workbench.tabs.get()).toEqual(["a.txt", "b.txt"]);
  expect(workbench.session.stateOf("a.txt")?.doc.toString()).toBe("not saved: one\n");
  expect(notices.get().at(-1)?.text).toContain("There is unsaved work at a.txt");
  notices.get().at(-1)?.action?.run();
  expect(shown).toBe("a.txt");
});

test("a tab of a file that is gone gives way to the one that takes its place", async () => {
  files.texts.set("b.txt", "b\n");
  show("a.txt");
  await isOpen("a.txt");
  files.texts.delete("a.txt");
  show("b.txt");
  await isOpen("b.txt");
  const { opened } = workbench.session.files.get().get("b.txt") as { opened: number };
  await move("b.txt", "a.txt");
  expect(workbench.tabs.get()).toEqual(["a.txt"]);
  expect(workbench.session.files.get().get("a.txt")).toMatchObject({ kind: "text", opened });
  expect(workbench.session.stateOf("a.txt")?.doc.toString()).toBe("b\n");
  expect(shown).toBe("a.txt");
});
