import { hasCode, wordsOf } from "../api.ts";
import type { TextFile } from "../text-file.ts";
import { newState } from "./code-setup.ts";
import { type Content, editableBytes, fetchContent } from "./content.ts";
import { onDiskChange } from "./decide.ts";
import type { DraftKeeper } from "./draft-keeper.ts";
import { oneAtATime } from "./one-at-a-time.ts";
import type { OpenFiles } from "./open-files.ts";
import { type Opening, openingOf, openingOfLost } from "./opening.ts";
import { isAtOrBelow, movedPath } from "./tabs.ts";

interface Deps {
  readonly open: OpenFiles;
  readonly drafts: DraftKeeper;
  readonly site: () => string;
  readonly mayWrite: () => boolean;
  /** A save whose answer was lost is no other person's change; when it was one, it is known to be saved now. */
  readonly isOurs: (path: string, text: TextFile, etag: string | null) => boolean;
}

let opened = 0;

/** Reads files of the site into what is open. */
export class Reading {
  readonly #deps: Deps;
  /** What each path is being read by: an answer that another one has overtaken, or whose file was moved or closed, is nobody's. */
  readonly #loads = new Map<string, object>();
  /** Looks whether the site holds another version by now. Each look may read a whole file, and a folder may change many times a second. */
  readonly check = oneAtATime((path) => this.#check(path));

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** Reads a file, and its unsaved work unless that is given up. */
  async load(path: string, work: "resumed" | "given up" = "resumed"): Promise<void> {
    const { open, drafts, site } = this.#deps;
    const load = {};
    this.#loads.set(path, load);
    const isOver = (): boolean => this.#loads.get(path) !== load;
    // Another text takes the place of one that is shown: nobody types into that one any more.
    if (open.text(path) !== null) open.set(path, { kind: "loading" });
    try {
      const content = await fetchContent(site(), path, null);
      if (work === "given up" && !isOver()) drafts.drop(path);
      const kept = work === "given up" ? undefined : await drafts.take(path);
      if (isOver() || content === null) return;
      if (content.kind === "text") this.#show(path, openingOf(content, kept));
      else open.set(path, content);
    } catch (error) {
      const kept = await drafts.take(path);
      if (isOver()) return;
      const isGone = hasCode(error, "file_not_found");
      if (isGone && kept !== undefined) return this.#show(path, openingOfLost(kept));
      const reason = isGone ? "missing" : hasCode(error, "not_a_file") ? "folder" : "other";
      open.set(path, { kind: "failed", reason, problem: wordsOf(error) });
    } finally {
      if (!isOver()) this.#loads.delete(path);
    }
  }

  /** What comes of a file that was closed is nobody's. */
  leave(path: string): void {
    this.#loads.delete(path);
  }

  /** What is being read is read anew under its new name. */
  moved(move: { readonly from: string; readonly to: string }): void {
    const loading = [...this.#loads.keys()].filter((path) => isAtOrBelow(path, move.from));
    for (const path of loading) {
      this.#loads.delete(path);
      void this.load(movedPath(path, move));
    }
  }

  async #check(path: string): Promise<void> {
    const { open, site } = this.#deps;
    const file = open.told.get().get(path);
    if (file === undefined || file.kind === "loading") return;
    if (file.kind === "failed") return this.load(path);
    if (file.kind === "text" && (file.isSaving || file.conflict !== null)) return;
    const isAsAsked = (): boolean => {
      const now = open.told.get().get(path);
      if (now !== undefined && "etag" in now && now.kind === file.kind && now.etag === file.etag) return true;
      // Saved or read meanwhile: this answer may be older than that, and the next one is not.
      void this.check(path);
      return false;
    };
    try {
      const content = await fetchContent(site(), path, file.etag);
      if (!isAsAsked()) return;
      if (content !== null) this.#meet(path, content);
      else if (file.kind === "text" && file.onDisk !== "same") open.patch(path, { onDisk: "same" });
    } catch (error) {
      if (!hasCode(error, "file_not_found") || !isAsAsked()) return;
      if (file.kind === "text") open.patch(path, { onDisk: file.etag === null ? "same" : "gone" });
      else open.set(path, { kind: "failed", reason: "missing", problem: wordsOf(error) });
    }
  }

  /** The site holds another version than the open one. */
  #meet(path: string, content: Content): void {
    const { open, isOurs } = this.#deps;
    const file = open.told.get().get(path);
    const inner = open.inner(path);
    if (content.kind !== "text" || file?.kind !== "text" || inner === undefined) {
      if (file?.kind !== "text" || !file.isDirty) void this.load(path);
      return;
    }
    if (file.isDirty && isOurs(path, content.text, content.etag)) return;
    if (onDiskChange({ base: file.etag, disk: content.etag, isDirty: file.isDirty }) !== "reload") {
      open.patch(path, { onDisk: "changed" });
      return;
    }
    const { text, ...form } = content.text;
    open.write(path, text, false);
    inner.saved = inner.state.doc;
    inner.savedEtag = content.etag;
    open.patch(path, { ...form, etag: content.etag, size: content.size, isDirty: false, onDisk: "same" });
  }

  #show(path: string, { content, saved, savedEtag, isDraftOver, ...told }: Opening): void {
    const { open, drafts, mayWrite } = this.#deps;
    if (isDraftOver) drafts.drop(path);
    const { text, ...form } = content.text;
    const isLarge = content.size > editableBytes;
    const state = newState({ text, mayWrite: mayWrite() && !isLarge });
    const { doc } = saved === text ? state : newState({ text: saved, mayWrite: false });
    const { etag, size } = content;
    const fresh = { isSaving: false, problem: null, conflict: null, isKept: true, saves: 0, opened: ++opened } as const;
    open.set(path, { kind: "text", ...form, etag, size, isLarge, ...fresh, ...told }, { state, savedEtag, saved: doc, sent: [], joining: null });
  }
}
