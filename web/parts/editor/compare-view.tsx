import { MergeView, unifiedMergeView } from "@codemirror/merge";
import { EditorState, type Extension } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { type ReactNode, useEffect, useRef } from "react";
import { codeBasics, describeLanguage } from "../../app/editor/code-setup.ts";
import { useIsWide } from "./media-query.ts";

interface Props {
  readonly path: string;
  readonly left: { readonly title: string; readonly text: string };
  readonly right: { readonly title: string; readonly text: string };
  /** Told of the right side's text, which can be edited then, line by line from the left too. */
  readonly onRight?: (text: string) => void;
}

/** Two texts beside each other with what differs marked; one below the other on a narrow page. */
export function CompareView({ path, left, right, onRight }: Props): ReactNode {
  const host = useRef<HTMLDivElement>(null);
  const isWide = useIsWide();
  const latest = useRef(onRight);
  useEffect(() => {
    latest.current = onRight;
  });
  const isEditable = onRight !== undefined;
  // What stands on the right by now: the comparison is drawn anew when the page becomes wide or narrow.
  const written = useRef({ first: right.text, now: right.text });
  useEffect(() => {
    if (written.current.first !== right.text) written.current = { first: right.text, now: right.text };
    const parent = host.current;
    if (parent === null) return;
    let shown: { destroy(): void } | undefined;
    let isLeft = false;
    const draw = async (): Promise<void> => {
      const language = await describeLanguage(path, right.text.split("\n", 1)[0] ?? "")
        ?.load()
        .catch(() => null);
      if (isLeft) return;
      const shared: Extension = [codeBasics, EditorView.lineWrapping, language ?? []];
      const told = EditorView.updateListener.of((update) => {
        if (!update.docChanged) return;
        written.current = { first: right.text, now: update.state.doc.toString() };
        latest.current?.(written.current.now);
      });
      const rightSide: Extension = [shared, told, isEditable ? [] : EditorState.readOnly.of(true), named(right.title)];
      const collapseUnchanged = { margin: 3, minSize: 6 };
      shown = isWide
        ? new MergeView({
            a: { doc: left.text, extensions: [shared, EditorState.readOnly.of(true), named(left.title)] },
            b: { doc: written.current.now, extensions: rightSide },
            parent,
            collapseUnchanged,
            ...(isEditable ? { revertControls: "a-to-b" as const } : {}),
          })
        : new EditorView({
            doc: written.current.now,
            parent,
            extensions: [rightSide, words, unifiedMergeView({ original: left.text, mergeControls: isEditable, collapseUnchanged })],
          });
    };
    void draw();
    return () => {
      isLeft = true;
      shown?.destroy();
    };
  }, [path, left.text, left.title, right.text, right.title, isEditable, isWide]);
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <div className="flex border-line border-b bg-sunken text-sm">
        <p className="min-w-0 flex-1 truncate px-3 py-1.5 text-soft">{isWide ? left.title : `Red: ${left.title}. Green: ${right.title}.`}</p>
        {isWide && <p className="min-w-0 flex-1 truncate border-line border-l px-3 py-1.5 text-soft">{right.title}</p>}
      </div>
      <div ref={host} className="compare min-h-0 flex-1 overflow-auto bg-surface text-[0.8125rem]" />
    </div>
  );
}

const words = EditorState.phrases.of({ Accept: "Keep", Reject: "Take back" });

function named(title: string): Extension {
  return EditorView.contentAttributes.of({ "aria-label": title });
}
