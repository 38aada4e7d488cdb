import { Transaction } from "@codemirror/state";
import type { EditorView } from "@codemirror/view";
import { createStore, type Store } from "../store.ts";
import { narrowChange } from "./decide.ts";
import { isAtOrBelow, movedPath } from "./tabs.ts";
import type { Inner, OpenFile, TextBuffer } from "./text-buffer.ts";

/** What comes from elsewhere is not for this person to undo. */
const quietly = Transaction.addToHistory.of(false);

/** What is open: what is told of each file, and the texts behind. A file keeps its inner part wherever it is moved. */
export class OpenFiles {
  readonly told: Store<ReadonlyMap<string, OpenFile>> = createStore<ReadonlyMap<string, OpenFile>>(new Map());
  readonly #inner = new Map<string, Inner>();
  readonly #views = new Map<string, EditorView>();

  inner(path: string): Inner | undefined {
    return this.#inner.get(path);
  }

  /** Where a file is by now; undefined when it was closed. */
  pathOf(inner: Inner): string | undefined {
    return [...this.#inner].find(([, each]) => each === inner)?.[0];
  }

  text(path: string): TextBuffer | null {
    const file = this.told.get().get(path);
    return file?.kind === "text" ? file : null;
  }

  patch(path: string, change: Partial<TextBuffer>): void {
    const file = this.text(path);
    if (file !== null) this.set(path, { ...file, ...change });
  }

  set(path: string, file: OpenFile, inner?: Inner): void {
    if (inner !== undefined) this.#inner.set(path, inner);
    this.told.set((all) => new Map(all).set(path, file));
  }

  drop(path: string): void {
    this.#inner.delete(path);
    this.told.set((all) => new Map([...all].filter(([each]) => each !== path)));
  }

  /** What was open where something moves to gives way to it. */
  moved(move: { readonly from: string; readonly to: string }): void {
    for (const [path, inner] of [...this.#inner]) {
      if (!isAtOrBelow(path, move.from)) continue;
      this.#inner.delete(path);
      this.#inner.set(movedPath(path, move), inner);
    }
    const isMoved = (path: string): boolean => isAtOrBelow(path, move.from);
    this.told.set((all) => {
      const come = [...all].filter(([path]) => isMoved(path)).map(([path, file]) => [movedPath(path, move), file] as const);
      return new Map([...[...all].filter(([path]) => !isMoved(path)), ...come]);
    });
  }

  /** The files with unsaved work. */
  dirty(): readonly string[] {
    return [...this.told.get().keys()].filter((path) => this.text(path)?.isDirty === true);
  }

  attach(path: string, view: EditorView): () => void {
    this.#views.set(path, view);
    return () => {
      if (this.#views.get(path) === view) this.#views.delete(path);
    };
  }

  /** Puts another text into the editor, leaving alone what is the same: the cursor stays where it was. */
  write(path: string, text: string, isUndoable: boolean): void {
    const inner = this.#inner.get(path);
    if (inner === undefined) return;
    const change = narrowChange(inner.state.doc.toString(), text);
    if (change === null) return;
    const spec = { changes: change, annotations: isUndoable ? [] : [quietly] };
    const view = this.#views.get(path);
    if (view === undefined) inner.state = inner.state.update(spec).state;
    else view.dispatch(spec);
  }
}
