// One browser shows a site in several pages: they share what the browser keeps of unsaved work.
// It looks at the page when it is loaded: before there is a pretended one.
import "@codemirror/view";
import { afterAll, beforeEach, expect, test, vi } from "vitest";
import { BrowserDatabase } from "./browser-database.fixture.ts";
import type { EditorSession } from "./session.ts";
import { SiteFiles } from "./site-files.fixture.ts";
import type { TextBuffer } from "./text-buffer.ts";

const patience = { timeout: 20_000 };
let files: SiteFiles;
let database: BrowserDatabase;
let count = 0;
let user: string;

beforeEach(() => {
  files = new SiteFiles();
  files.texts.set("a.txt", "one\n");
  database = new BrowserDatabase();
  // Pages of earlier tests hear what is told here, too.
  user = `ann ${++count}`;
  vi.stubGlobal("window", new EventTarget());
  vi.stubGlobal("document", Object.assign(new EventTarget(), { visibilityState: "visible" }));
  for (const [name, value] of Object.entries(database.globals)) vi.stubGlobal(name, value);
  vi.stubGlobal("fetch", ((input, init) => files.fetch(input, init)) satisfies typeof fetch);
});
afterAll(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

/** A page of the browser, with the program loaded for it alone. */
interface Page {
  readonly session: EditorSession;
  readonly forgetDrafts: (user: string) => Promise<void>;
  readonly welcome: (user: string) => void;
  type(path: string, text: string): void;
  file(path: string): TextBuffer;
  text(path: string): string | undefined;
}

async function newPage(): Promise<Page> {
  vi.resetModules();
  const { EditorSession } = await import("./session.ts");
  const { forgetDrafts } = await import("./draft-store.ts");
  const { tellAll } = await import("./draft-channel.ts");
  const session = new EditorSession({ user, site: { id: 1, name: "site" } });
  session.mayWrite = true;
  // It has read what was kept before.
  await session.unsaved();
  return {
    session,
    forgetDrafts,
    welcome: (user) => tellAll({ kind: "back", user }),
    type: (path, text) => {
      const state = session.stateOf(path);
      if (state === undefined) throw new Error(`${path} is not open`);
      session.note(path, state.update({ changes: { from: state.doc.length, insert: text } }).state, true);
    },
    file: (path) => {
      const file = session.files.get().get(path);
      if (file?.kind !== "text") throw new Error(`${path} is ${file?.kind}`);
      return file;
    },
    text: (path) => session.stateOf(path)?.doc.toString(),
  };
}

const keeps = (texts: Record<string, string>): Promise<void> => vi.waitFor(() => expect(database.texts()).toEqual(texts), patience);

test("a file is shown with the unsaved work that another page has kept since", async () => {
  const first = await newPage();
  const second = await newPage();
  await second.session.open("a.txt");
  second.type("a.txt", "two hundred lines\n");
  await keeps({ "a.txt": "one\ntwo hundred lines\n" });
  second.session.close("a.txt", false);

  await first.session.open("a.txt");
  expect(first.text("a.txt")).toBe("one\ntwo hundred lines\n");
  expect(first.file("a.txt").isDirty).toBe(true);
  first.type("a.txt", "more\n");
  await keeps({ "a.txt": "one\ntwo hundred lines\nmore\n" });
  await first.session.save("a.txt");
  await keeps({});
});

test("what was given up in one page does not come back in another", async () => {
  const writer = await newPage();
  await writer.session.open("a.txt");
  writer.type("a.txt", "two\n");
  await keeps({ "a.txt": "one\ntwo\n" });
  writer.session.close("a.txt", false);
  const first = await newPage();
  const second = await newPage();
  await second.session.open("a.txt");
  expect(second.text("a.txt")).toBe("one\ntwo\n");
  await second.session.revert("a.txt");
  await keeps({});
  await first.session.open("a.txt");
  expect(first.text("a.txt")).toBe("one\n");
  expect(first.file("a.txt").isDirty).toBe(false);
});

test("two pages with one file never write over each other's unsaved work, nor delete it", async () => {
  const first = await newPage();
  const second = await newPage();
  await first.session.open("a.txt");
  await second.session.open("a.txt");
  second.type("a.txt", "of the second\n");
  const ofSecond = { "a.txt": "one\nof the second\n" };
  await keeps(ofSecond);
  await vi.waitFor(async () => expect(await first.session.unsaved()).toEqual(["a.txt"]), patience);

  // The first one is told that its work is not kept.
  first.type("a.txt", "of the first\n");
  await vi.waitFor(() => expect(first.file("a.txt").isKept).toBe(false), patience);
  expect(database.texts()).toEqual(ofSecond);
  await first.session.save("a.txt");
  await first.session.unsaved();
  expect(first.file("a.txt").isDirty).toBe(false);
  expect(database.texts()).toEqual(ofSecond);
  const third = await newPage();
  await third.session.open("a.txt");
  expect(third.text("a.txt")).toBe("one\nof the second\n");
  expect(third.file("a.txt").onDisk).toBe("changed");
});

test("work that had to wait for another page's is kept as soon as that one lets go", async () => {
  const first = await newPage();
  const second = await newPage();
  await first.session.open("a.txt");
  await second.session.open("a.txt");
  second.type("a.txt", "of the second\n");
  await keeps({ "a.txt": "one\nof the second\n" });
  await vi.waitFor(async () => expect(await first.session.unsaved()).toEqual(["a.txt"]), patience);
  first.type("a.txt", "of the first\n");
  await vi.waitFor(() => expect(first.file("a.txt").isKept).toBe(false), patience);
  await second.session.revert("a.txt");
  await keeps({ "a.txt": "one\nof the first\n" });
  await vi.waitFor(() => expect(first.file("a.txt").isKept).toBe(true), patience);
});

test("a page keeps its unsaved work again when another one, which went on with it, has given it up", async () => {
  const first = await newPage();
  await first.session.open("a.txt");
  first.type("a.txt", "two\n");
  await keeps({ "a.txt": "one\ntwo\n" });
  const second = await newPage();
  await second.session.open("a.txt");
  await second.session.revert("a.txt");
  // Has read what is kept after the second one let go.
  await newPage();
  await keeps({ "a.txt": "one\ntwo\n" });
  await vi.waitFor(() => expect(first.file("a.txt").isKept).toBe(true), patience);

  // What the first page has saved itself is nowhere kept any more.
  await first.session.save("a.txt");
  await keeps({});
});

test("unsaved work goes with a file that is renamed, and never onto other work", async () => {
  files.texts.set("b.txt", "b\n");
  const page = await newPage();
  for (const path of ["a.txt", "b.txt"]) {
    await page.session.open(path);
    page.type(path, "typed\n");
  }
  await keeps({ "a.txt": "one\ntyped\n", "b.txt": "b\ntyped\n" });
  page.session.close("a.txt", false);
  page.session.close("b.txt", false);
  page.session.moved({ from: "b.txt", to: "a.txt" });
  page.session.moved({ from: "b.txt", to: "c.txt" });
  await keeps({ "a.txt": "one\ntyped\n", "c.txt": "b\ntyped\n" });
  expect(await page.session.unsaved()).toEqual(["a.txt", "c.txt"]);
});

/** A page renames a file of the site. */
function rename(page: Page, from: string, to: string): void {
  files.texts.set(to, files.texts.get(from) ?? "");
  files.texts.delete(from);
  page.session.moved({ from, to });
}

test("a file with unsaved work that is renamed in another page stays with that work, and with the page whose work it is", async () => {
  const owner = await newPage();
  const other = await newPage();
  for (const page of [owner, other]) await page.session.open("a.txt");
  owner.type("a.txt", "two\n");
  await keeps({ "a.txt": "one\ntwo\n" });
  await vi.waitFor(async () => expect(await other.session.unsaved()).toEqual(["a.txt"]), patience);
  // Not kept yet when the other page renames the file.
  owner.type("a.txt", "three\n");
  rename(other, "a.txt", "b.txt");
  await keeps({ "b.txt": "one\ntwo\nthree\n" });
  expect([...owner.session.files.get().keys()]).toEqual(["b.txt"]);
  expect(owner.file("b.txt")).toMatchObject({ isDirty: true, isKept: true, onDisk: "same" });
  owner.type("b.txt", "four\n");
  await keeps({ "b.txt": "one\ntwo\nthree\nfour\n" });
  await owner.session.save("b.txt");
  await keeps({});
  expect(Object.fromEntries(files.texts)).toEqual({ "b.txt": "one\ntwo\nthree\nfour\n" });

  // And there and back again, with what is not saved in either page.
  owner.type("b.txt", "five\n");
  rename(other, "b.txt", "c.txt");
  rename(other, "c.txt", "b.txt");
  await keeps({ "b.txt": "one\ntwo\nthree\nfour\nfive\n" });
  expect([...owner.session.files.get().keys()]).toEqual(["b.txt"]);
});

test("what a page writes by the old name before it hears of the new one is kept by the new one", async () => {
  const page = await newPage();
  await page.session.open("a.txt");
  page.type("a.txt", "two\n");
  await keeps({ "a.txt": "one\ntwo\n" });
  vi.resetModules();
  const { draftStoreOf } = await import("./draft-store.ts");
  await draftStoreOf({ user, site: { id: 1, name: "site" } }).move({ from: "a.txt", to: "b.txt" });
  page.type("a.txt", "three\n");
  window.dispatchEvent(new Event("pagehide"));
  expect([...page.session.files.get().keys()]).toEqual(["a.txt"]);
  await keeps({ "b.txt": "one\ntwo\nthree\n" });
  expect([...page.session.files.get().keys()]).toEqual(["b.txt"]);
});

test("a page does not follow onto its own unsaved work, and keeps both", async () => {
  files.texts.set("b.txt", "b\n");
  const owner = await newPage();
  const other = await newPage();
  for (const path of ["a.txt", "b.txt"]) await owner.session.open(path);
  owner.type("a.txt", "two\n");
  await keeps({ "a.txt": "one\ntwo\n" });
  await vi.waitFor(async () => expect(await other.session.unsaved()).toEqual(["a.txt"]), patience);
  // The other page cannot know of it yet, and the site has lost the file.
  owner.type("b.txt", "not kept yet\n");
  rename(other, "a.txt", "b.txt");
  await keeps({ "a.txt": "one\ntwo\n", "b.txt": "b\nnot kept yet\n" });
  expect([owner.text("a.txt"), owner.text("b.txt")]).toEqual(["one\ntwo\n", "b\nnot kept yet\n"]);
});

test("who signs out has nothing kept, which is said, until the same person signs in again", async () => {
  const first = await newPage();
  const second = await newPage();
  await second.session.open("a.txt");
  second.type("a.txt", "two\n");
  await keeps({ "a.txt": "one\ntwo\n" });
  await first.forgetDrafts(user);
  await keeps({});
  await vi.waitFor(() => expect(second.file("a.txt").isKept).toBe(false), patience);
  // Typing on in a page that stayed: still nothing is kept, and it is not said to be.
  second.type("a.txt", "three\n");
  window.dispatchEvent(new Event("pagehide"));
  await second.session.unsaved();
  expect(second.file("a.txt").isKept).toBe(false);
  expect(database.texts()).toEqual({});

  first.welcome("somebody else");
  first.welcome(user);
  await keeps({ "a.txt": "one\ntwo\nthree\n" });
  await vi.waitFor(() => expect(second.file("a.txt").isKept).toBe(true), patience);
  const third = await newPage();
  await third.session.open("a.txt");
  expect(third.text("a.txt")).toBe("one\ntwo\nthree\n");
});

test("work that is just being kept while the person signs out is neither kept nor said to be", async () => {
  const first = await newPage();
  const second = await newPage();
  await second.session.open("a.txt");
  second.type("a.txt", "two\n");
  window.dispatchEvent(new Event("pagehide"));
  await first.forgetDrafts(user);
  await vi.waitFor(() => expect(second.file("a.txt").isKept).toBe(false), patience);
  await keeps({});
});

test("a draft is dropped only if it is the one that is meant", async () => {
  vi.resetModules();
  const { draftStoreOf } = await import("./draft-store.ts");
  const store = draftStoreOf({ user, site: { id: 1, name: "site" } });
  await store.keep("a.txt", { base: null, text: "theirs", lineEnd: "\n", hasMark: false, at: 1, page: "theirs" });
  await store.drop("a.txt", ({ page }) => page === "mine");
  expect(database.texts()).toEqual({ "a.txt": "theirs" });
  await store.drop("a.txt", ({ page }) => page === "theirs");
  expect(database.texts()).toEqual({});
});
