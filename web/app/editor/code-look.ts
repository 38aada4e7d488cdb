import { HighlightStyle } from "@codemirror/language";
import type { Extension } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

// Colours are roles of the page's style sheet, which knows both themes: nothing is drawn anew when the theme changes.

export const codeColours = HighlightStyle.define([
  { tag: [tags.keyword, tags.modifier, tags.controlKeyword, tags.operatorKeyword, tags.definitionKeyword], color: "var(--code-keyword)" },
  { tag: [tags.string, tags.special(tags.string), tags.character, tags.attributeValue], color: "var(--code-string)" },
  { tag: [tags.comment, tags.meta, tags.docComment, tags.processingInstruction], color: "var(--code-comment)", fontStyle: "italic" },
  { tag: [tags.number, tags.bool, tags.null, tags.atom, tags.unit, tags.color, tags.escape, tags.regexp], color: "var(--code-number)" },
  { tag: [tags.typeName, tags.className, tags.namespace, tags.tagName, tags.annotation], color: "var(--code-type)" },
  { tag: [tags.function(tags.variableName), tags.function(tags.propertyName), tags.labelName, tags.macroName], color: "var(--code-function)" },
  { tag: [tags.propertyName, tags.attributeName, tags.definition(tags.propertyName)], color: "var(--code-property)" },
  { tag: tags.heading, color: "var(--code-keyword)", fontWeight: "bold" },
  { tag: [tags.link, tags.url], color: "var(--code-function)", textDecoration: "underline" },
  { tag: tags.emphasis, fontStyle: "italic" },
  { tag: tags.strong, fontWeight: "bold" },
  { tag: tags.strikethrough, textDecoration: "line-through" },
  { tag: tags.inserted, color: "var(--good)" },
  { tag: [tags.deleted, tags.invalid], color: "var(--bad)" },
]);

const panel = {
  "& .cm-textfield": {
    border: "1px solid var(--edge)",
    borderRadius: "0.375rem",
    backgroundColor: "var(--surface)",
    color: "var(--ink)",
    padding: "0.25rem 0.5rem",
    fontSize: "0.875rem",
    minHeight: "2rem",
  },
  "& .cm-button": {
    border: "1px solid var(--line)",
    borderRadius: "0.375rem",
    background: "var(--surface)",
    color: "var(--ink)",
    padding: "0.25rem 0.625rem",
    fontSize: "0.8125rem",
    minHeight: "2rem",
    textTransform: "capitalize",
  },
  "& .cm-button:hover": { background: "var(--tint)" },
  "& label": { fontSize: "0.8125rem", color: "var(--soft)", textTransform: "capitalize" },
};

/** How the editor looks; sizes of text come from the element round it. */
export const codeLook: Extension = EditorView.theme({
  "&": { height: "100%", color: "var(--ink)", backgroundColor: "var(--surface)", fontSize: "inherit" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--font-mono)", lineHeight: "1.6", overscrollBehavior: "contain" },
  ".cm-content": { caretColor: "var(--ink)", paddingBlock: "0.5rem" },
  ".cm-cursor, .cm-dropCursor": { borderLeftColor: "var(--ink)", borderLeftWidth: "2px" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { background: "var(--code-selection)" },
  // The page's own selection colours would hide the text: the editor draws its selection itself.
  ".cm-content ::selection, .cm-content::selection": { backgroundColor: "transparent", color: "inherit" },
  ".cm-gutters": { backgroundColor: "var(--surface)", color: "var(--code-gutter)", border: "none", paddingLeft: "0.25rem" },
  ".cm-activeLine": { backgroundColor: "var(--code-line)" },
  ".cm-activeLineGutter": { backgroundColor: "var(--code-line)", color: "var(--ink)" },
  ".cm-foldGutter .cm-gutterElement": { color: "var(--code-gutter)" },
  ".cm-foldPlaceholder": { backgroundColor: "var(--tint)", border: "none", color: "var(--accent)", padding: "0 0.375rem" },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "var(--code-match)", outline: "1px solid var(--accent)" },
  "&.cm-focused .cm-nonmatchingBracket": { backgroundColor: "var(--bad-tint)" },
  ".cm-selectionMatch": { backgroundColor: "var(--code-match)" },
  ".cm-searchMatch": { backgroundColor: "var(--code-found)", outline: "none" },
  ".cm-searchMatch-selected": { backgroundColor: "var(--lamp)", color: "#17211d" },
  ".cm-panels": { backgroundColor: "var(--sunken)", color: "var(--ink)", zIndex: 5 },
  ".cm-panels.cm-panels-top": { borderBottom: "1px solid var(--line)" },
  ".cm-panel.cm-search": { padding: "0.5rem 2.25rem 0.5rem 0.75rem", fontFamily: "var(--font-sans)", ...panel },
  ".cm-panel.cm-search [name=close]": { top: "0.5rem", right: "0.5rem", width: "2rem", height: "2rem", fontSize: "1.25rem", color: "var(--soft)" },
  ".cm-panel.cm-gotoLine": { padding: "0.5rem 0.75rem", fontFamily: "var(--font-sans)", ...panel },
  ".cm-tooltip": {
    backgroundColor: "var(--surface)",
    color: "var(--ink)",
    border: "1px solid var(--line)",
    borderRadius: "0.5rem",
    boxShadow: "var(--shadow-float)",
  },
  ".cm-tooltip-autocomplete > ul": { fontFamily: "var(--font-mono)" },
  ".cm-tooltip-autocomplete > ul > li": { padding: "0.2rem 0.5rem" },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: "var(--tint)", color: "var(--ink)" },
  ".cm-completionDetail": { color: "var(--soft)" },
});
