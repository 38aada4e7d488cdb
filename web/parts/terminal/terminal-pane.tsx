import "@xterm/xterm/css/xterm.css";
import { type ReactNode, type RefObject, useEffect, useRef, useState } from "react";
import { Button } from "../button.tsx";
import { cx } from "../class-names.ts";
import { Screen } from "./screen.ts";
import type { LinkState } from "./terminal-link.ts";
import { wordsOfLink } from "./terminal-words.ts";

interface PaneProps {
  readonly site: string;
  readonly terminal: string;
  readonly label: string;
  readonly isShown: boolean;
  readonly screen: RefObject<Map<string, Screen>>;
  readonly onTitle: (title: string) => void;
  readonly onOver: () => void;
  readonly onClose: () => void;
  readonly onNew: () => void;
  readonly onKey: (event: KeyboardEvent) => boolean;
}

/** A terminal, and a word about it when it does not just work. It stays connected while another tab is shown. */
export function TerminalPane(props: PaneProps): ReactNode {
  const { site, terminal, label, isShown, screen } = props;
  const box = useRef<HTMLDivElement>(null);
  const [state, setState] = useState<LinkState>({ kind: "connecting" });
  const callbacks = useRef(props);
  callbacks.current = props;
  useEffect(() => {
    if (box.current === null) return undefined;
    const made = new Screen({
      site,
      terminal,
      element: box.current,
      onState: (next) => {
        setState(next);
        if (next.kind === "ended" || next.kind === "closed") callbacks.current.onOver();
      },
      onTitle: (title) => callbacks.current.onTitle(title),
      onKey: (event) => callbacks.current.onKey(event),
    });
    const all = screen.current;
    all.set(terminal, made);
    return () => {
      all.delete(terminal);
      made.dispose();
    };
  }, [site, terminal, screen]);
  useEffect(() => {
    if (!isShown) return;
    screen.current.get(terminal)?.fit();
    screen.current.get(terminal)?.focus();
  }, [isShown, terminal, screen]);
  return (
    <section aria-label={label} data-terminal={state.kind} className={cx("absolute inset-0 flex flex-col bg-[var(--terminal-ground)]", !isShown && "hidden")}>
      <div ref={box} className="min-h-0 flex-1 overflow-hidden py-2 pl-3" />
      <StateWords state={state} onClose={props.onClose} onNew={props.onNew} onRetry={() => screen.current.get(terminal)?.retry()} />
    </section>
  );
}

interface StateProps {
  readonly state: LinkState;
  readonly onClose: () => void;
  readonly onNew: () => void;
  readonly onRetry: () => void;
}

function StateWords({ state, onClose, onNew, onRetry }: StateProps): ReactNode {
  const words = wordsOfLink(state);
  // What lasts a moment is not worth a word.
  const isLate = useLate(words !== null && state.kind === "connecting");
  const isSaid = words !== null && (state.kind !== "connecting" || isLate);
  return (
    <div role="status" className={cx(isSaid && "flex flex-wrap items-center gap-x-3 gap-y-2 border-line border-t bg-surface px-3 py-2 text-[0.9375rem]")}>
      {isSaid && <p className="min-w-0 flex-1 basis-52">{words.text}</p>}
      {isSaid && words.isOver && (
        <>
          <Button onClick={onNew}>New terminal</Button>
          <Button variant="quiet" onClick={onClose}>
            Close the tab
          </Button>
        </>
      )}
      {isSaid && state.kind === "lost" && <Button onClick={onRetry}>Try now</Button>}
    </div>
  );
}

const lateMs = 400;

function useLate(isWaiting: boolean): boolean {
  const [isLate, setLate] = useState(false);
  useEffect(() => {
    setLate(false);
    if (!isWaiting) return undefined;
    const timer = setTimeout(() => setLate(true), lateMs);
    return () => clearTimeout(timer);
  }, [isWaiting]);
  return isLate;
}
