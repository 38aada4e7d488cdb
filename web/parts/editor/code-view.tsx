import { EditorView, type ViewUpdate } from "@codemirror/view";
import { type ReactNode, useEffect, useRef } from "react";
import { applyLanguage, applySettings, describeLanguage } from "../../app/editor/code-setup.ts";
import { editorPreferences } from "../../app/editor/preferences.ts";
import type { EditorSession } from "../../app/editor/session.ts";
import type { Jump } from "../../app/editor/text-buffer.ts";
import { useStore } from "../../app/store.ts";

interface Props {
  readonly session: EditorSession;
  readonly path: string;
  readonly mayWrite: boolean;
}

/** Where each file was scrolled to when it was left. */
const scrolls = new WeakMap<EditorSession, Map<string, ReturnType<EditorView["scrollSnapshot"]>>>();

/** The text of the file that is shown. The session holds its state, so that undoing goes on after a look at another tab. */
export function CodeView({ session, path, mayWrite }: Props): ReactNode {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const { fontPx, isWrapped } = useStore(editorPreferences);
  const jump = useStore(session.jump);
  useEffect(() => {
    const state = session.stateOf(path);
    if (host.current === null || state === undefined) return;
    const places = scrolls.get(session) ?? new Map<string, ReturnType<EditorView["scrollSnapshot"]>>();
    scrolls.set(session, places);
    const scrollTo = places.get(path);
    const made: EditorView = new EditorView({
      state,
      parent: host.current,
      ...(scrollTo === undefined ? {} : { scrollTo }),
      dispatchTransactions: (transactions) => {
        made.update(transactions);
        const isTextChanged = transactions.some((each) => each.docChanged);
        session.note(path, made.state, isTextChanged);
        session.cursor.set(cursorOf(made.state));
      },
    });
    view.current = made;
    session.cursor.set(cursorOf(made.state));
    const detach = session.attach(path, made);
    return () => {
      places.set(path, made.scrollSnapshot());
      detach();
      session.cursor.set(null);
      view.current = null;
      made.destroy();
    };
  }, [session, path]);
  useEffect(() => {
    if (view.current !== null) applySettings(view.current, { path, isWrapped, mayWrite });
  }, [path, isWrapped, mayWrite]);
  useLanguage(view, path);
  // biome-ignore lint/correctness/useExhaustiveDependencies: letters of another size have to be measured again.
  useEffect(() => view.current?.requestMeasure(), [fontPx]);
  useEffect(() => {
    if (jump === null || jump.path !== path || view.current === null) return;
    session.jump.set(null);
    goTo(view.current, jump);
  }, [session, path, jump]);
  return <div ref={host} className="absolute inset-0 overflow-hidden" style={{ fontSize: `${fontPx}px` }} />;
}

function useLanguage(view: { readonly current: EditorView | null }, path: string): void {
  useEffect(() => {
    const shown = view.current;
    if (shown === null) return;
    const found = describeLanguage(path, shown.state.doc.line(1).text);
    if (found?.support !== undefined) return applyLanguage(shown, found.support);
    let isLeft = false;
    void found?.load().then(
      (support) => !isLeft && applyLanguage(shown, support),
      // The grammar could not be loaded: the text is shown without colours.
      () => undefined,
    );
    return () => {
      isLeft = true;
    };
  }, [view, path]);
}

function goTo(view: EditorView, { line, column, length }: Jump): void {
  view.focus();
  if (line === null) return;
  const { doc } = view.state;
  const found = doc.line(Math.max(1, Math.min(line, doc.lines)));
  const anchor = Math.min(found.from + column, found.to);
  const head = Math.min(anchor + length, found.to);
  view.dispatch({ selection: { anchor, head }, effects: EditorView.scrollIntoView(anchor, { y: "center" }) });
}

function cursorOf(state: ViewUpdate["state"]): { line: number; column: number; selected: number } {
  const { main, ranges } = state.selection;
  const line = state.doc.lineAt(main.head);
  return { line: line.number, column: main.head - line.from + 1, selected: ranges.reduce((sum, range) => sum + range.to - range.from, 0) };
}
