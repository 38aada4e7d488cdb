import { autocompletion, closeBrackets, closeBracketsKeymap, completeAnyWord, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import {
  bracketMatching,
  foldGutter,
  foldKeymap,
  indentOnInput,
  indentUnit,
  type LanguageDescription,
  type LanguageSupport,
  syntaxHighlighting,
} from "@codemirror/language";
import { languages } from "@codemirror/language-data";
import { gotoLine, highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState, type Extension, Text } from "@codemirror/state";
import {
  crosshairCursor,
  drawSelection,
  dropCursor,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
  rectangularSelection,
} from "@codemirror/view";
import { codeColours, codeLook } from "./code-look.ts";
import { indentUnitOf, languageOf } from "./language.ts";

/** What tells how to leave the text, in which Tab belongs to the text (parts/editor/status-bar.tsx). */
export const leavingHintId = "leaving-the-text";

const language = new Compartment();
const wrapping = new Compartment();
const writing = new Compartment();
/** What the text is called: a renamed file goes by its new name. */
const naming = new Compartment();

/** Colours, brackets and line numbers: what the editor and comparisons share. */
export const codeBasics: Extension = [codeLook, syntaxHighlighting(codeColours, { fallback: true }), highlightSpecialChars(), lineNumbers(), drawSelection()];

const editing: Extension = [
  highlightActiveLineGutter(),
  history(),
  foldGutter({ openText: "▾", closedText: "▸" }),
  dropCursor(),
  EditorState.allowMultipleSelections.of(true),
  indentOnInput(),
  bracketMatching(),
  closeBrackets(),
  autocompletion({ activateOnTypingDelay: 150 }),
  // Words of the file itself, beside what a language knows.
  EditorState.languageData.of(() => [{ autocomplete: completeAnyWord }]),
  rectangularSelection(),
  crosshairCursor(),
  highlightActiveLine(),
  highlightSelectionMatches({ minSelectionLength: 2 }),
  search({ top: true }),
  keymap.of([
    ...closeBracketsKeymap,
    // The browser's own Ctrl+G goes on searching; a line is asked for by Ctrl+L, or Alt+G as elsewhere.
    { key: "Mod-l", run: gotoLine },
    ...defaultKeymap,
    ...searchKeymap,
    ...historyKeymap,
    ...foldKeymap,
    ...completionKeymap,
    indentWithTab,
  ]),
  // Files that are dropped are uploaded by the page; the editor would write their text into this one.
  EditorView.domEventHandlers({ drop: (event) => event.dataTransfer?.types.includes("Files") === true }),
];

interface NewState {
  readonly text: string;
  readonly mayWrite: boolean;
}

/** The editor's state of a file that was just opened. */
export function newState({ text, mayWrite }: NewState): EditorState {
  const doc = Text.of(text.split("\n"));
  const unit = indentUnitOf(doc.iterLines());
  return EditorState.create({
    doc,
    extensions: [
      codeBasics,
      editing,
      language.of([]),
      wrapping.of([]),
      writing.of(writingOf(mayWrite)),
      EditorState.tabSize.of(4),
      ...(unit === null ? [] : [indentUnit.of(unit)]),
      naming.of([]),
      EditorView.contentAttributes.of({ autocapitalize: "none" }),
    ],
  });
}

function writingOf(mayWrite: boolean): Extension {
  // Read-only text keeps the focus and the cursor, so that it can be searched and copied with the keyboard.
  return mayWrite ? [] : EditorState.readOnly.of(true);
}

interface Settings {
  readonly path: string;
  readonly isWrapped: boolean;
  readonly mayWrite: boolean;
}

/** Puts the person's settings into a view that shows a state again: they may have changed since. */
export function applySettings(view: EditorView, { path, isWrapped, mayWrite }: Settings): void {
  const name = EditorView.contentAttributes.of({ "aria-label": path, "aria-describedby": leavingHintId });
  view.dispatch({
    effects: [naming.reconfigure(name), wrapping.reconfigure(isWrapped ? EditorView.lineWrapping : []), writing.reconfigure(writingOf(mayWrite))],
  });
}

/** The language of a file; its grammar is loaded when it is first needed. */
export function describeLanguage(path: string, firstLine: string): LanguageDescription | null {
  return languageOf(languages, path, firstLine);
}

export function applyLanguage(view: EditorView, support: LanguageSupport | null): void {
  view.dispatch({ effects: language.reconfigure(support ?? []) });
}
