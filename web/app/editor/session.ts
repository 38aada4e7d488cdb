import type { EditorState, Text } from "@codemirror/state";
import type { EditorView } from "@codemirror/view";
import { hasCode, wordsOf } from "../api.ts";
import { saveFile } from "../data-files.ts";
import { refreshHistory } from "../data-history.ts";
import { createStore, type Store } from "../store.ts";
import { encodeText, type TextFile } from "../text-file.ts";
import { readConflict } from "./conflict.ts";
import { type DraftKeeper, keepDrafts } from "./draft-keeper.ts";
import { type Draft, type Owner, unsavedInTheWay } from "./drafts.ts";
import { beginJoining, type Joining, madeByHand } from "./joining.ts";
import { OpenFiles } from "./open-files.ts";
import { Reading } from "./reading.ts";
import { isAtOrBelow } from "./tabs.ts";
import type { Cursor, Inner, Jump, OpenFile } from "./text-buffer.ts";

/** Attempts to save that are remembered until one is answered. */
const mostSent = 4;

interface Move {
  readonly from: string;
  readonly to: string;
}

/** The files that one person has open in one site; lives as long as the page, whatever part of the dashboard is shown. */
export class EditorSession {
  /** The site's name as it is now. */
  site: string;
  readonly #open = new OpenFiles();
  readonly files: Store<ReadonlyMap<string, OpenFile>> = this.#open.told;
  readonly #drafts: DraftKeeper;
  readonly #reading: Reading;
  /** Where the cursor is in the file that is shown. */
  readonly cursor = createStore<Cursor | null>(null);
  /** A place in a file that is to be shown as soon as the file is. */
  readonly jump = createStore<Jump | null>(null);
  mayWrite = false;

  /** `followed` is told when a file or folder was renamed in another page of this browser. */
  constructor(owner: Owner, followed: (move: Move) => void = () => undefined) {
    this.site = owner.site.name;
    this.#drafts = keepDrafts(owner, {
      textOf: (path) => this.#draftOf(path),
      kept: (path, isKept) => this.#open.patch(path, { isKept }),
      follow: (move) => {
        // What is in the way is kept nowhere, or not yet: it has no other place than this one.
        if (unsavedInTheWay(this.#open.dirty(), move).length > 0) return false;
        this.#moveOpen(move);
        followed(move);
        return true;
      },
    });
    this.#reading = new Reading({
      open: this.#open,
      drafts: this.#drafts,
      site: () => this.site,
      mayWrite: () => this.mayWrite,
      isOurs: (path, text, etag) => this.#isOurs(path, text, etag),
    });
  }

  /** Opens a file unless it is open. Unsaved work that the browser kept is there again. */
  async open(path: string): Promise<void> {
    const known = this.files.get().get(path);
    if (known !== undefined && known.kind !== "failed") return;
    this.#open.set(path, { kind: "loading" });
    await this.#reading.load(path);
  }

  stateOf(path: string): EditorState | undefined {
    return this.#open.inner(path)?.state;
  }

  /** The text that was saved last, or null where none is known. */
  savedText(path: string): string | null {
    return this.#open.inner(path)?.saved.toString() ?? null;
  }

  /** A view shows this file from now on; what comes from elsewhere goes through it. */
  attach(path: string, view: EditorView): () => void {
    return this.#open.attach(path, view);
  }

  /** The view's state has changed: by typing, or only the cursor. */
  note(path: string, state: EditorState, isTextChanged: boolean): void {
    const inner = this.#open.inner(path);
    const file = this.#open.text(path);
    if (inner === undefined || file === null) return;
    inner.state = state;
    if (!isTextChanged) return;
    const isDirty = file.etag === null || !state.doc.eq(inner.saved);
    if (isDirty !== file.isDirty) this.#open.patch(path, { isDirty });
    this.#drafts.changed(path, isDirty);
  }

  /** Saves the text as it stands. When the file was changed meanwhile nothing is written: a conflict is there then. */
  async save(path: string, over?: { readonly etag: string | null }): Promise<void> {
    const file = this.#open.text(path);
    const inner = this.#open.inner(path);
    if (file === null || inner === undefined || file.isSaving || file.isLarge || !this.mayWrite) return;
    const doc = inner.state.doc;
    const base = over === undefined ? file.etag : over.etag;
    this.#open.patch(path, { isSaving: true, problem: null });
    // The file may be moved meanwhile: what is told of it then is told of it where it is.
    const now = (): string => this.#open.pathOf(inner) ?? "";
    try {
      const bytes = encodeText({ text: doc.toString(), lineEnd: file.lineEnd, hasMark: file.hasMark });
      inner.sent = [...inner.sent, doc].slice(-mostSent);
      const etag = await saveFile(this.site, path, { bytes, etag: base });
      this.#open.patch(now(), { size: bytes.length });
      this.#adopt(inner, doc, etag);
      void refreshHistory(this.site);
    } catch (error) {
      const isElsewhere = now() !== path;
      this.#open.patch(now(), { isSaving: false, ...(isElsewhere ? {} : { problem: wordsOf(error) }) });
      if (isElsewhere) await this.save(now(), over);
      else if (hasCode(error, "file_changed", "file_not_found")) await this.compare(path);
    }
  }

  /** Reads what the site holds now, to be compared with what stands in the editor. */
  async compare(path: string): Promise<void> {
    const inner = this.#open.inner(path);
    const file = this.#open.text(path);
    if (inner === undefined || file === null) return;
    this.#open.patch(path, { isSaving: true, problem: null });
    const now = (): string => this.#open.pathOf(inner) ?? "";
    try {
      const mine = inner.state.doc.toString();
      const text = inner.savedEtag === file.etag ? inner.saved.toString() : null;
      const conflict = await readConflict({ site: this.site, path, mine, base: { etag: file.etag, text } });
      if (now() !== path) {
        this.#open.patch(now(), { isSaving: false });
        // Gone from where it was, or another one's there: what counts is where it went.
        await (conflict.etag === null ? this.save(now()) : this.compare(now()));
      } else if (conflict.theirs !== null && this.#isOurs(path, conflict.theirs, conflict.etag)) {
        if (this.isDirty(path)) await this.save(path);
      } else {
        inner.joining = beginJoining(conflict.merged, mine);
        this.#open.patch(path, { conflict, isSaving: false, onDisk: conflict.etag === null ? "gone" : "changed" });
      }
    } catch (error) {
      this.#open.patch(now(), { isSaving: false, problem: wordsOf(error) });
    }
  }

  /** Ends a conflict: `text` (mine, or both joined) replaces what the site holds. */
  async resolve(path: string, text: string): Promise<void> {
    const conflict = this.#open.text(path)?.conflict;
    if (conflict === undefined || conflict === null) return;
    this.#open.write(path, text, true);
    await this.save(path, { etag: conflict.etag });
  }

  /** Ends a conflict the other way: what the site holds stands in the editor, and undoing brings one's own back. */
  takeTheirs(path: string): void {
    const conflict = this.#open.text(path)?.conflict;
    const inner = this.#open.inner(path);
    if (conflict === undefined || conflict === null || conflict.theirs === null || inner === undefined) return;
    const { text, ...form } = conflict.theirs;
    this.#open.write(path, text, true);
    inner.saved = inner.state.doc;
    inner.savedEtag = conflict.etag;
    this.#open.patch(path, { ...form, etag: conflict.etag, isDirty: false, conflict: null, onDisk: "same", problem: null });
    this.#drafts.changed(path, false);
  }

  /** What was made of a conflict so far. */
  joining(path: string): Joining | null {
    return this.#open.inner(path)?.joining ?? null;
  }

  join(path: string, joining: Joining): void {
    const inner = this.#open.inner(path);
    if (inner !== undefined) inner.joining = joining;
  }

  /** Goes back to the editor: what was joined by hand stands there then, and undoing takes it back. Tells whether there was any. */
  leaveConflict(path: string): boolean {
    const inner = this.#open.inner(path);
    const isThere = (this.#open.text(path)?.conflict ?? null) !== null;
    this.#open.patch(path, { conflict: null });
    const joined = isThere && inner?.joining ? madeByHand(inner.joining) : null;
    if (inner === undefined || joined === null) return false;
    inner.joining = null;
    this.#open.write(path, joined, true);
    this.note(path, inner.state, true);
    return true;
  }

  /** Gives up unsaved work: the file is read anew. The browser keeps the work until the file was read. */
  async revert(path: string): Promise<void> {
    this.#drafts.flush();
    await this.#reading.load(path, "given up");
  }

  /** Looks whether the site holds another version by now. */
  checkDisk(path: string): Promise<void> {
    return this.#reading.check(path);
  }

  /** Closes a file; with `isForGood` unsaved work is given up, without it the browser keeps it. */
  close(path: string, isForGood: boolean): void {
    if (isForGood) this.#drafts.drop(path);
    else this.#drafts.flush();
    this.#reading.leave(path);
    this.#open.drop(path);
  }

  /** A file or folder was renamed: everything of it goes with it. */
  moved(move: Move): void {
    // What was typed last is still kept by the name that it had. Drafts go with their files before those are read under their new names.
    void this.#drafts.moved(move);
    this.#moveOpen(move);
  }

  #moveOpen(move: Move): void {
    this.#open.moved(move);
    this.#reading.moved(move);
    for (const [path, file] of this.files.get()) {
      const isGone = file.kind === "text" ? file.onDisk === "gone" : file.kind === "failed";
      if (!isGone || !isAtOrBelow(path, move.to)) continue;
      this.leaveConflict(path);
      void this.checkDisk(path);
    }
  }

  isDirty(path: string): boolean {
    return this.#open.text(path)?.isDirty === true;
  }

  /** Every file with unsaved work, the closed ones with a draft too. */
  async unsaved(): Promise<readonly string[]> {
    return [...new Set([...this.#open.dirty(), ...(await this.#drafts.all()).keys()])];
  }

  hasUnsaved(): boolean {
    return this.#open.dirty().length > 0;
  }

  /** A save whose answer was lost is no other person's change: its version is then the one that the text is based on. */
  #isOurs(path: string, { text, ...form }: TextFile, etag: string | null): boolean {
    const file = this.#open.text(path);
    const inner = this.#open.inner(path);
    if (file === null || inner === undefined || form.lineEnd !== file.lineEnd || form.hasMark !== file.hasMark) return false;
    const own = [inner.state.doc, ...inner.sent].find((each) => each.toString() === text);
    if (own === undefined) return false;
    this.#adopt(inner, own, etag);
    return true;
  }

  /** The site holds this text of the file now. */
  #adopt(inner: Inner, doc: Text, etag: string | null): void {
    const path = this.#open.pathOf(inner);
    const file = path === undefined ? null : this.#open.text(path);
    if (path === undefined || file === null) return;
    inner.saved = doc;
    inner.savedEtag = etag;
    inner.sent = [];
    const isDirty = !inner.state.doc.eq(doc);
    this.#open.patch(path, { etag, isDirty, isSaving: false, problem: null, conflict: null, onDisk: "same", saves: file.saves + 1 });
    this.#drafts.changed(path, isDirty);
  }

  #draftOf(path: string): Omit<Draft, "at"> | null {
    const file = this.#open.text(path);
    const inner = this.#open.inner(path);
    if (file === null || inner === undefined || !file.isDirty) return null;
    return { base: file.etag, text: inner.state.doc.toString(), lineEnd: file.lineEnd, hasMark: file.hasMark };
  }
}
