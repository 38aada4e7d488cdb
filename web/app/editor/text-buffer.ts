import type { EditorState, Text } from "@codemirror/state";
import type { TextFile } from "../text-file.ts";
import type { Media } from "./content.ts";
import type { Joining } from "./joining.ts";

/** Somebody else's version that stands in the way of saving. */
export interface Conflict {
  /** null: it is not there any more, or not text. */
  readonly theirs: TextFile | null;
  readonly etag: string | null;
  /** Both changes joined, where they do not touch each other. */
  readonly merged: string | null;
}

/** A text file that is open: what is told of it beside its text, which the editor's state holds. */
export interface TextBuffer extends Omit<TextFile, "text"> {
  readonly kind: "text";
  /** The version that the text is based on; null: it is not in the site. */
  readonly etag: string | null;
  readonly size: number;
  readonly isDirty: boolean;
  readonly isSaving: boolean;
  /** Too large to be edited. */
  readonly isLarge: boolean;
  readonly problem: string | null;
  /** What happened to the file in the site while there was unsaved work. */
  readonly onDisk: "same" | "changed" | "gone";
  readonly conflict: Conflict | null;
  /** Whether the browser could keep the unsaved work. */
  readonly isKept: boolean;
  /** Counts saves, so that "Saved" is said each time. */
  readonly saves: number;
  /** Another number for each text that was put there anew: what still shows the one before begins again. */
  readonly opened: number;
}

export type OpenFile =
  | { readonly kind: "loading" }
  | { readonly kind: "failed"; readonly problem: string; readonly reason: "missing" | "folder" | "other" }
  | { readonly kind: "media"; readonly media: Media; readonly etag: string | null; readonly size: number }
  | { readonly kind: "opaque"; readonly reason: "binary" | "large"; readonly etag: string | null; readonly size: number }
  | TextBuffer;

/** What the page itself does not draw from: the editor's own state, and the text that was saved last. */
export interface Inner {
  state: EditorState;
  saved: Text;
  /** The version that `saved` is: another one than the text is based on where a draft goes on beside a change. */
  savedEtag: string | null;
  /** The texts of the last attempts to save: the site may hold one of them although no answer came. */
  sent: readonly Text[];
  /** What a person made of a conflict so far; null where none is shown. */
  joining: Joining | null;
}

export interface Cursor {
  readonly line: number;
  readonly column: number;
  readonly selected: number;
}

/** Lines count from 1, columns from 0. `line` null: wherever the cursor is. */
export interface Jump {
  readonly path: string;
  readonly line: number | null;
  readonly column: number;
  readonly length: number;
}
