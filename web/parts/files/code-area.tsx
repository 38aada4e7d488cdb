import { type KeyboardEvent, memo, type ReactNode, useRef } from "react";
import { indent, newLine, outdent, type TextEdit } from "../../app/editor-keys.ts";

interface Props {
  readonly label: string;
  readonly value: string;
  readonly onChange: (text: string) => void;
  readonly isReadOnly: boolean;
}

/** A text area for code: monospace, line numbers, Tab and Enter as in an editor. */
export function CodeArea({ label, value, onChange, isReadOnly }: Props): ReactNode {
  const area = useRef<HTMLTextAreaElement>(null);
  const gutter = useRef<HTMLDivElement>(null);
  // After Esc the next Tab moves the focus on: no keyboard trap.
  const mayLeave = useRef(false);
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>): void => {
    if (event.key === "Escape") {
      mayLeave.current = true;
      return;
    }
    const edit = mayLeave.current ? null : editFor(event);
    if (event.key !== "Shift") mayLeave.current = false;
    if (edit === null || isReadOnly) return;
    event.preventDefault();
    apply(event.currentTarget, edit);
  };
  return (
    <div className="flex h-[min(70vh,44rem)] min-h-72 bg-surface font-mono text-[0.875rem] leading-6">
      <div ref={gutter} aria-hidden="true" className="select-none overflow-hidden border-line border-r bg-sunken py-3 text-right text-soft">
        <LineNumbers count={value.split("\n").length} />
      </div>
      <textarea
        ref={area}
        aria-label={label}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={onKeyDown}
        onScroll={(event) => {
          if (gutter.current !== null) gutter.current.scrollTop = event.currentTarget.scrollTop;
        }}
        readOnly={isReadOnly}
        wrap="off"
        spellCheck={false}
        autoComplete="off"
        autoCapitalize="none"
        className="min-w-0 flex-1 resize-none overflow-auto whitespace-pre bg-transparent px-3 py-3 [tab-size:4] focus-visible:-outline-offset-3"
      />
    </div>
  );
}

const LineNumbers = memo(function LineNumbers({ count }: { readonly count: number }): ReactNode {
  // A little more room below, as the text area has a scroll bar there.
  return <pre className="px-2.5 pb-6 font-[inherit]">{Array.from({ length: count }, (_, index) => index + 1).join("\n")}</pre>;
});

function editFor(event: KeyboardEvent<HTMLTextAreaElement>): TextEdit | null {
  if (event.ctrlKey || event.metaKey || event.altKey || event.nativeEvent.isComposing) return null;
  const { value: text, selectionStart: start, selectionEnd: end } = event.currentTarget;
  if (event.key === "Tab") return event.shiftKey ? outdent({ text, start, end }) : indent({ text, start, end });
  if (event.key === "Enter" && !event.shiftKey) return newLine({ text, start, end });
  return null;
}

function apply(area: HTMLTextAreaElement, { from, to, insert, start, end }: TextEdit): void {
  area.setSelectionRange(from, to);
  // Deprecated but the only way that keeps the browser's own undo; it fires an input event, which React hears.
  const isDone = document.execCommand(insert === "" ? "delete" : "insertText", false, insert);
  if (!isDone) {
    area.setRangeText(insert, from, to, "end");
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }
  area.setSelectionRange(start, end);
}
