import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { EditorSession } from "./session.ts";

const patience = { timeout: 20_000 };

/** A manager that holds one site's files; whoever `holds` it decides when its answers come. */
class Files {
  readonly texts = new Map<string, string>();
  readonly #gates = new Map<string, { readonly arrived: () => void; readonly opened: Promise<void> }>();
  losesAnswers = false;

  /** Holds the answers of a method; gives how to wait for one being held, and how to let it go. */
  hold(method: string): { readonly arrived: Promise<void>; readonly release: () => void } {
    const arrived = Promise.withResolvers<void>();
    const opened = Promise.withResolvers<void>();
    this.#gates.set(method, { arrived: arrived.resolve, opened: opened.promise });
    return { arrived: arrived.promise, release: opened.resolve };
  }

  readonly fetch: typeof fetch = async (input, init) => {
    const path = decodeURIComponent(String(input)).match(/\/files\/(.*)$/)?.[1];
    const method = init?.method ?? "GET";
    if (path === undefined) return Response.json({}, { status: 404 });
    const gate = this.#gates.get(method);
    this.#gates.delete(method);
    gate?.arrived();
    await gate?.opened;
    const answer = await this.#answer(path, init);
    if (this.losesAnswers && method === "PUT") throw new TypeError("Failed to fetch");
    return answer;
  };

  async #answer(path: string, init: RequestInit | undefined): Promise<Response> {
    const headers = new Headers(init?.headers);
    const text = this.texts.get(path);
    const etag = text === undefined ? null : etagOf(text);
    if (init?.method === "PUT") {
      const isRefused = headers.has("if-match") ? headers.get("if-match") !== etag : etag !== null;
      if (isRefused) return refusal(412, "file_changed");
      const next = await new Response(init.body).text();
      this.texts.set(path, next);
      return new Response(null, { status: 204, headers: { etag: etagOf(next) } });
    }
    if (text === undefined || etag === null) return refusal(404, "file_not_found");
    if (headers.get("if-none-match") === etag) return new Response(null, { status: 304 });
    return new Response(text, { headers: { etag, "content-length": String(text.length) } });
  }
}

const etagOf = (text: string): string => `"${Buffer.from(text).toString("hex")}"`;
function refusal(status: number, code: string): Response {
  return Response.json({ type: "about:blank", title: code, status, code }, { status, headers: { "content-type": "application/problem+json" } });
}

let files: Files;
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
  files = new Files();
  files.texts.set("a.txt", "one\n");
  session = new EditorSession({ user: "ann", site: { id: 1, name: "site" } });
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
