import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { beginJoining, joinedBy, turned } from "./joining.ts";
import { EditorSession } from "./session.ts";
import { etagOf, SiteFiles } from "./site-files.fixture.ts";

const patience = { timeout: 20_000 };

let files: SiteFiles;
let session: EditorSession;
beforeAll(() => {
  const nobody = new EventTarget();
  vi.stubGlobal("window", nobody);
  vi.stubGlobal("document", Object.assign(new EventTarget(), { visibilityState: "visible" }));
  vi.stubGlobal("IDBKeyRange", { bound: () => null });
  const refuse = (): never => {
    throw new Error("this browser keeps nothing");
  };
  vi.stubGlobal("indexedDB", { databases: refuse, open: refuse });
  vi.stubGlobal("fetch", ((input, init) => files.fetch(input, init)) satisfies typeof fetch);
});
afterAll(() => void vi.unstubAllGlobals());
beforeEach(() => {
  files = new SiteFiles();
  files.texts.set("a.txt", "one\n");
  session = new EditorSession({ user: "sue", site: { id: 1, name: "site" } });
  session.mayWrite = true;
});

function type(path: string, text: string): void {
  const state = session.stateOf(path);
  if (state === undefined) throw new Error(`${path} is not open`);
  session.note(path, state.update({ changes: { from: state.doc.length, insert: text } }).state, true);
}
const shown = (path: string): unknown => session.files.get().get(path);
const names = (): readonly string[] => [...session.files.get().keys()];

/** Renames as the page does: the site first, then what is open. */
function rename(from: string, to: string): void {
  files.texts.set(to, files.texts.get(from) ?? "");
  files.texts.delete(from);
  session.moved({ from, to });
}

test.each(["before", "after"])("a file that is renamed while it is saved is saved under its new name, when the save arrives %s it", async (order) => {
  await session.open("a.txt");
  type("a.txt", "two\n");
  if (order === "after") {
    const held = files.hold("PUT");
    const saving = session.save("a.txt");
    await held.arrived;
    rename("a.txt", "b.txt");
    held.release();
    await saving;
  } else {
    const saving = session.save("a.txt");
    await vi.waitFor(() => expect(files.texts.get("a.txt")).toBe("one\ntwo\n"), patience);
    rename("a.txt", "b.txt");
    await saving;
  }
  expect(names()).toEqual(["b.txt"]);
  expect(shown("b.txt")).toMatchObject({ isSaving: false, isDirty: false, problem: null, conflict: null, onDisk: "same" });
  expect([...files.texts]).toEqual([["b.txt", "one\ntwo\n"]]);
});

test("a file that is renamed while it is read is shown under its new name, and nowhere else", async () => {
  const held = files.hold("GET");
  const opening = session.open("a.txt");
  await held.arrived;
  rename("a.txt", "b.txt");
  held.release();
  await opening;
  await vi.waitFor(() => expect(shown("b.txt")).toMatchObject({ kind: "text", isDirty: false }), patience);
  expect(names()).toEqual(["b.txt"]);
});

test("a file that was looked for by its old name just after it was renamed is shown by the new one", async () => {
  await session.open("a.txt");
  files.texts.set("b.txt", "one\n");
  files.texts.delete("a.txt");
  await session.checkDisk("a.txt");
  expect(shown("a.txt")).toMatchObject({ kind: "text", onDisk: "gone" });
  session.close("a.txt", true);
  await session.open("a.txt");
  expect(shown("a.txt")).toMatchObject({ kind: "failed", reason: "missing" });
  session.moved({ from: "a.txt", to: "b.txt" });
  await vi.waitFor(() => expect(shown("b.txt")).toMatchObject({ kind: "text" }), patience);
  expect(names()).toEqual(["b.txt"]);
});

test("a file that is closed while it is read stays closed", async () => {
  const held = files.hold("GET");
  const opening = session.open("a.txt");
  await held.arrived;
  session.close("a.txt", false);
  held.release();
  await opening;
  expect(names()).toEqual([]);
});

test("a save whose answer was lost is not another person's change", async () => {
  await session.open("a.txt");
  type("a.txt", "two\n");
  files.losesAnswers = true;
  await session.save("a.txt");
  expect(shown("a.txt")).toMatchObject({ isSaving: false, isDirty: true, problem: expect.any(String) });
  files.losesAnswers = false;
  await session.checkDisk("a.txt");
  expect(shown("a.txt")).toMatchObject({ isDirty: false, problem: null, onDisk: "same", etag: etagOf("one\ntwo\n") });

  // Typed on meanwhile: what was sent is the base, and the rest is saved upon it.
  type("a.txt", "three\n");
  files.losesAnswers = true;
  await session.save("a.txt");
  files.losesAnswers = false;
  type("a.txt", "four\n");
  await session.save("a.txt");
  expect(shown("a.txt")).toMatchObject({ isSaving: false, isDirty: false, problem: null, conflict: null, onDisk: "same" });
  expect(files.texts.get("a.txt")).toBe("one\ntwo\nthree\nfour\n");

  // What another person wrote still is.
  type("a.txt", "five\n");
  files.texts.set("a.txt", "another's\n");
  await session.checkDisk("a.txt");
  expect(shown("a.txt")).toMatchObject({ isDirty: true, onDisk: "changed" });
});

test("what is given up cannot be typed into any more, and the other person's version is there anew", async () => {
  await session.open("a.txt");
  const first = shown("a.txt");
  type("a.txt", "given up\n");
  files.texts.set("a.txt", "theirs\n");
  await session.checkDisk("a.txt");
  expect(shown("a.txt")).toMatchObject({ onDisk: "changed" });

  const held = files.hold("GET");
  const giving = session.revert("a.txt");
  await held.arrived;
  // No editor is drawn of such a file: what it held cannot be taken for the new text.
  expect(shown("a.txt")).toEqual({ kind: "loading" });
  type("a.txt", "too late\n");
  await session.save("a.txt");
  held.release();
  await giving;
  expect(shown("a.txt")).toMatchObject({ kind: "text", isDirty: false, onDisk: "same", etag: etagOf("theirs\n") });
  expect(shown("a.txt")).not.toMatchObject({ opened: (first as { opened: number }).opened });
  expect(session.stateOf("a.txt")?.doc.toString()).toBe("theirs\n");
  expect(files.texts.get("a.txt")).toBe("theirs\n");
});

test("a file is looked at once at a time, however many changes are told, and once more when the last of them was", async () => {
  await session.open("a.txt");
  files.asked.length = 0;
  const held = files.hold("GET");
  const looking = [1, 2, 3, 4].map(() => session.checkDisk("a.txt"));
  await held.arrived;
  expect(files.asked).toEqual(["GET a.txt"]);
  files.texts.set("a.txt", "two\n");
  held.release();
  await Promise.all(looking);
  expect(files.asked).toEqual(["GET a.txt", "GET a.txt"]);
  expect(session.stateOf("a.txt")?.doc.toString()).toBe("two\n");
});

test("an answer that was made out before one's own save is not shown over it", async () => {
  await session.open("a.txt");
  files.texts.set("a.txt", "another's\n");
  const held = files.hold("GET", "answered");
  const looking = session.checkDisk("a.txt");
  await held.arrived;
  files.texts.set("a.txt", "one\n");
  type("a.txt", "two\n");
  await session.save("a.txt");
  held.release();
  await looking;
  expect(session.stateOf("a.txt")?.doc.toString()).toBe("one\ntwo\n");
  expect(shown("a.txt")).toMatchObject({ isDirty: false, onDisk: "same", etag: etagOf("one\ntwo\n") });
});

test("what was joined by hand stands in the editor after the comparison was left", async () => {
  await session.open("a.txt");
  type("a.txt", "mine\n");
  files.texts.set("a.txt", "one\ntheirs\n");
  await session.save("a.txt");
  expect(shown("a.txt")).toMatchObject({ conflict: { merged: null } });
  // Looked at and left as it was: nothing is put anywhere.
  expect(session.leaveConflict("a.txt")).toBe(false);
  expect(session.stateOf("a.txt")?.doc.toString()).toBe("one\nmine\n");

  await session.compare("a.txt");
  const begun = session.joining("a.txt") ?? beginJoining(null, "");
  session.join("a.txt", joinedBy(begun, "one\ntheirs\nmine\n"));
  expect(session.leaveConflict("a.txt")).toBe(true);
  expect(session.stateOf("a.txt")?.doc.toString()).toBe("one\ntheirs\nmine\n");
  expect(shown("a.txt")).toMatchObject({ isDirty: true, conflict: null, onDisk: "changed" });
  expect(session.leaveConflict("a.txt")).toBe(false);

  // Who takes the other version wants none of it.
  await session.compare("a.txt");
  session.join("a.txt", joinedBy(turned(begun), "joined again\n"));
  session.takeTheirs("a.txt");
  expect(session.leaveConflict("a.txt")).toBe(false);
  expect(session.stateOf("a.txt")?.doc.toString()).toBe("one\ntheirs\n");
});
