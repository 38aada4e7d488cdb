import { type EditorState, Transaction } from "@codemirror/state";
import type { EditorView } from "@codemirror/view";
import { hasCode, wordsOf } from "../api.ts";
import { saveFile } from "../data-files.ts";
import { refreshHistory } from "../data-history.ts";
import { createStore, type Store } from "../store.ts";
import { encodeText } from "../text-file.ts";
import { newState } from "./code-setup.ts";
import { readConflict } from "./conflict.ts";
import { type Content, editableBytes, fetchContent } from "./content.ts";
import { narrowChange, onDiskChange, onDraft } from "./decide.ts";
import { type DraftKeeper, keepDrafts } from "./draft-keeper.ts";
import type { Draft } from "./drafts.ts";
import { isAtOrBelow, movedPath } from "./tabs.ts";
import type { Cursor, Inner, Jump, OpenFile, TextBuffer } from "./text-buffer.ts";

/** What comes from elsewhere is not for this person to undo. */
const quietly = Transaction.addToHistory.of(false);

/** The files that one person has open in one site; lives as long as the page, whatever part of the dashboard is shown. */
export class EditorSession {
  readonly site: string;
  readonly files: Store<ReadonlyMap<string, OpenFile>> = createStore<ReadonlyMap<string, OpenFile>>(new Map());
  readonly #drafts: DraftKeeper;
  readonly #inner = new Map<string, Inner>();
  readonly #views = new Map<string, EditorView>();
  /** Where the cursor is in the file that is shown. */
  readonly cursor = createStore<Cursor | null>(null);
  /** A place in a file that is to be shown as soon as the file is. */
  readonly jump = createStore<Jump | null>(null);
  mayWrite = false;

  constructor(owner: { readonly user: string; readonly site: string }) {
    this.site = owner.site;
    this.#drafts = keepDrafts(owner, { textOf: (path) => this.#draftOf(path), kept: (path, isKept) => this.#patch(path, { isKept }) });
  }

  /** Opens a file unless it is open. Unsaved work that the browser kept is there again. */
  async open(path: string): Promise<void> {
    const known = this.files.get().get(path);
    if (known !== undefined && known.kind !== "failed") return;
    this.#set(path, { kind: "loading" });
    await this.#load(path);
  }

  stateOf(path: string): EditorState | undefined {
    return this.#inner.get(path)?.state;
  }

  /** The text that was saved last, or null where none is known. */
  savedText(path: string): string | null {
    return this.#inner.get(path)?.saved.toString() ?? null;
  }

  /** A view shows this file from now on; what comes from elsewhere goes through it. */
  attach(path: string, view: EditorView): () => void {
    this.#views.set(path, view);
    return () => {
      if (this.#views.get(path) === view) this.#views.delete(path);
    };
  }

  /** The view's state has changed: by typing, or only the cursor. */
  note(path: string, state: EditorState, isTextChanged: boolean): void {
    const inner = this.#inner.get(path);
    const file = this.#text(path);
    if (inner === undefined || file === null) return;
    inner.state = state;
    if (!isTextChanged) return;
    const isDirty = file.etag === null || !state.doc.eq(inner.saved);
    if (isDirty !== file.isDirty) this.#patch(path, { isDirty });
    this.#drafts.changed(path, isDirty);
  }

  /** Saves the text as it stands. When the file was changed meanwhile nothing is written: a conflict is there then. */
  async save(path: string, over?: { readonly etag: string | null }): Promise<void> {
    const file = this.#text(path);
    const inner = this.#inner.get(path);
    if (file === null || inner === undefined || file.isSaving || file.isLarge || !this.mayWrite) return;
    const doc = inner.state.doc;
    const base = over === undefined ? file.etag : over.etag;
    this.#patch(path, { isSaving: true, problem: null });
    try {
      const bytes = encodeText({ text: doc.toString(), lineEnd: file.lineEnd, hasMark: file.hasMark });
      const etag = await saveFile(this.site, path, { bytes, etag: base });
      inner.saved = doc;
      inner.savedEtag = etag;
      const isDirty = !inner.state.doc.eq(doc);
      this.#patch(path, { etag, isDirty, isSaving: false, conflict: null, onDisk: "same", size: bytes.length, saves: file.saves + 1 });
      this.#drafts.changed(path, isDirty);
      void refreshHistory(this.site);
    } catch (error) {
      if (hasCode(error, "file_changed", "file_not_found")) await this.compare(path);
      else this.#patch(path, { isSaving: false, problem: wordsOf(error) });
    }
  }

  /** Reads what the site holds now, to be compared with what stands in the editor. */
  async compare(path: string): Promise<void> {
    const inner = this.#inner.get(path);
    const file = this.#text(path);
    if (inner === undefined || file === null) return;
    try {
      const mine = inner.state.doc.toString();
      const text = inner.savedEtag === file.etag ? inner.saved.toString() : null;
      const conflict = await readConflict({ site: this.site, path, mine, base: { etag: file.etag, text } });
      this.#patch(path, { conflict, isSaving: false, onDisk: conflict.etag === null ? "gone" : "changed" });
    } catch (error) {
      this.#patch(path, { isSaving: false, problem: wordsOf(error) });
    }
  }

  /** Ends a conflict: `text` (mine, or both joined) replaces what the site holds. */
  async resolve(path: string, text: string): Promise<void> {
    const conflict = this.#text(path)?.conflict;
    if (conflict === undefined || conflict === null) return;
    this.#write(path, text, true);
    await this.save(path, { etag: conflict.etag });
  }

  /** Ends a conflict the other way: what the site holds stands in the editor, and undoing brings one's own back. */
  takeTheirs(path: string): void {
    const conflict = this.#text(path)?.conflict;
    const inner = this.#inner.get(path);
    if (conflict === undefined || conflict === null || conflict.theirs === null || inner === undefined) return;
    const { text, ...form } = conflict.theirs;
    this.#write(path, text, true);
    inner.saved = inner.state.doc;
    inner.savedEtag = conflict.etag;
    this.#patch(path, { ...form, etag: conflict.etag, isDirty: false, conflict: null, onDisk: "same", problem: null });
    this.#drafts.changed(path, false);
  }

  leaveConflict(path: string): void {
    this.#patch(path, { conflict: null });
  }

  /** Gives up unsaved work: the file is read anew. */
  async revert(path: string): Promise<void> {
    this.#drafts.drop(path);
    await this.#load(path);
  }

  /** Looks whether the site holds another version by now. */
  async checkDisk(path: string): Promise<void> {
    const file = this.files.get().get(path);
    if (file === undefined || file.kind === "loading") return;
    if (file.kind === "failed") return this.#load(path);
    if (file.kind === "text" && (file.isSaving || file.conflict !== null)) return;
    try {
      const content = await fetchContent(this.site, path, file.etag);
      if (content !== null) this.#meet(path, content);
      else if (file.kind === "text" && file.onDisk !== "same") this.#patch(path, { onDisk: "same" });
    } catch (error) {
      if (!hasCode(error, "file_not_found")) return;
      if (file.kind === "text") this.#patch(path, { onDisk: file.etag === null ? "same" : "gone" });
      else this.#set(path, { kind: "failed", reason: "missing", problem: wordsOf(error) });
    }
  }

  /** Closes a file; with `isForGood` unsaved work is given up, without it the browser keeps it. */
  close(path: string, isForGood: boolean): void {
    if (isForGood) this.#drafts.drop(path);
    else this.#drafts.flush();
    this.#inner.delete(path);
    this.files.set((all) => new Map([...all].filter(([each]) => each !== path)));
  }

  /** A file or folder was renamed: everything of it goes with it. */
  moved(move: { readonly from: string; readonly to: string }): void {
    for (const [path, inner] of [...this.#inner]) {
      if (!isAtOrBelow(path, move.from)) continue;
      this.#inner.delete(path);
      this.#inner.set(movedPath(path, move), inner);
    }
    this.files.set((all) => new Map([...all].map(([path, file]) => [movedPath(path, move), file])));
    void this.#drafts.moved(move);
  }

  isDirty(path: string): boolean {
    return this.#text(path)?.isDirty === true;
  }

  /** Every file with unsaved work, the closed ones with a draft too. */
  async unsaved(): Promise<readonly string[]> {
    const open = [...this.files.get()].filter(([, file]) => file.kind === "text" && file.isDirty).map(([path]) => path);
    return [...new Set([...open, ...(await this.#drafts.all()).keys()])];
  }

  hasUnsaved(): boolean {
    return [...this.files.get().values()].some((file) => file.kind === "text" && file.isDirty);
  }

  async #load(path: string): Promise<void> {
    try {
      const content = await fetchContent(this.site, path, null);
      if (content !== null) await this.#opened(path, content);
    } catch (error) {
      const kept = (await this.#drafts.all()).get(path);
      const isGone = hasCode(error, "file_not_found");
      if (isGone && kept !== undefined) {
        // Only the browser has it still.
        const { text, lineEnd, hasMark } = kept;
        this.#show(path, { text: { text, lineEnd, hasMark }, etag: null, size: text.length }, { isDirty: true, onDisk: "gone", saved: "", savedEtag: null });
        return;
      }
      const reason = isGone ? "missing" : hasCode(error, "not_a_file") ? "folder" : "other";
      this.#set(path, { kind: "failed", reason, problem: wordsOf(error) });
    }
  }

  async #opened(path: string, content: Content): Promise<void> {
    if (content.kind !== "text") {
      this.#set(path, content);
      return;
    }
    const kept = (await this.#drafts.all()).get(path);
    const decision = kept === undefined ? "drop" : onDraft({ base: kept.base, disk: content.etag, isSame: kept.text === content.text.text });
    if (kept === undefined || decision === "drop") {
      if (kept !== undefined) this.#drafts.drop(path);
      this.#show(path, content, { isDirty: false, onDisk: "same", saved: content.text.text, savedEtag: content.etag });
      return;
    }
    const { text, lineEnd, hasMark } = kept;
    const isBeside = decision !== "resume";
    const etag = isBeside ? kept.base : content.etag;
    const standing = { isDirty: true, onDisk: isBeside ? "changed" : "same", saved: content.text.text, savedEtag: content.etag } as const;
    this.#show(path, { ...content, etag, text: { text, lineEnd, hasMark } }, standing);
  }

  #show(
    path: string,
    content: Omit<Extract<Content, { kind: "text" }>, "kind">,
    standing: Pick<TextBuffer, "isDirty" | "onDisk"> & { readonly saved: string; readonly savedEtag: string | null },
  ): void {
    const { saved, savedEtag, ...told } = standing;
    const { text, ...form } = content.text;
    const isLarge = content.size > editableBytes;
    const state = newState({ text, mayWrite: this.mayWrite && !isLarge });
    this.#inner.set(path, { state, savedEtag, saved: saved === text ? state.doc : newState({ text: saved, mayWrite: false }).doc });
    const { etag, size } = content;
    const fresh = { isSaving: false, problem: null, conflict: null, isKept: true, saves: 0 } as const;
    this.#set(path, { kind: "text", ...form, etag, size, isLarge, ...fresh, ...told });
  }

  /** The site holds another version than the open one. */
  #meet(path: string, content: Content): void {
    const file = this.files.get().get(path);
    const inner = this.#inner.get(path);
    if (content.kind !== "text" || file?.kind !== "text" || inner === undefined) {
      if (file?.kind !== "text" || !file.isDirty) void this.#opened(path, content);
      return;
    }
    if (onDiskChange({ base: file.etag, disk: content.etag, isDirty: file.isDirty }) !== "reload") {
      this.#patch(path, { onDisk: "changed" });
      return;
    }
    const { text, ...form } = content.text;
    this.#write(path, text, false);
    inner.saved = inner.state.doc;
    inner.savedEtag = content.etag;
    this.#patch(path, { ...form, etag: content.etag, size: content.size, isDirty: false, onDisk: "same" });
  }

  /** Puts another text into the editor, leaving alone what is the same: the cursor stays where it was. */
  #write(path: string, text: string, isUndoable: boolean): void {
    const inner = this.#inner.get(path);
    if (inner === undefined) return;
    const change = narrowChange(inner.state.doc.toString(), text);
    if (change === null) return;
    const spec = { changes: change, annotations: isUndoable ? [] : [quietly] };
    const view = this.#views.get(path);
    if (view === undefined) inner.state = inner.state.update(spec).state;
    else view.dispatch(spec);
  }

  #draftOf(path: string): Omit<Draft, "at"> | null {
    const file = this.#text(path);
    const inner = this.#inner.get(path);
    if (file === null || inner === undefined || !file.isDirty) return null;
    return { base: file.etag, text: inner.state.doc.toString(), lineEnd: file.lineEnd, hasMark: file.hasMark };
  }

  #text(path: string): TextBuffer | null {
    const file = this.files.get().get(path);
    return file?.kind === "text" ? file : null;
  }

  #patch(path: string, change: Partial<TextBuffer>): void {
    const file = this.#text(path);
    if (file !== null) this.#set(path, { ...file, ...change });
  }

  #set(path: string, file: OpenFile): void {
    this.files.set((all) => new Map(all).set(path, file));
  }
}
