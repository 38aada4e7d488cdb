import { Plus, Search, X } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useRef } from "react";
import { IconButton } from "../button.tsx";
import { cx } from "../class-names.ts";
import { leavingHintId } from "./terminal-words.ts";

/** A terminal as its tab shows it. */
export interface TerminalTab {
  readonly id: string;
  readonly label: string;
  /** Its program has ended; only what it showed is left. */
  readonly isOver: boolean;
}

interface TabsProps {
  readonly tabs: readonly TerminalTab[];
  readonly shown: string | null;
  readonly onShow: (id: string) => void;
  readonly onClose: (id: string) => void;
  readonly onNew: () => void;
  readonly isOpening: boolean;
  readonly onSearch: () => void;
  /** What stands behind the last button. */
  readonly end?: ReactNode;
}

/** The terminals, with what can be done with them. */
export function TerminalTabs({ tabs, shown, onShow, onClose, onNew, isOpening, onSearch, end }: TabsProps): ReactNode {
  const list = useRef<HTMLDivElement>(null);
  const step = (event: KeyboardEvent, index: number): void => {
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    const next = tabs[(index + by + tabs.length) % tabs.length];
    if (by === 0 || next === undefined) return;
    onShow(next.id);
    list.current?.querySelectorAll<HTMLElement>("[role=tab]")[tabs.indexOf(next)]?.focus();
  };
  return (
    <div className="flex h-10 shrink-0 items-stretch border-line border-b bg-sunken [&_button]:focus-visible:-outline-offset-3">
      <div ref={list} role="tablist" aria-label="Terminals" className="flex min-w-0 overflow-x-auto [scrollbar-width:none]">
        {tabs.map((tab, index) => (
          <div key={tab.id} className={cx("flex min-w-0 shrink-0 items-center border-line border-r", tab.id === shown && "bg-surface")}>
            <button
              type="button"
              role="tab"
              aria-selected={tab.id === shown}
              tabIndex={tab.id === shown ? 0 : -1}
              className={cx("h-full max-w-44 truncate pr-1 pl-3 text-sm focus-visible:-outline-offset-4", tab.isOver ? "text-soft line-through" : "text-ink")}
              onClick={() => onShow(tab.id)}
              onKeyDown={(event) => step(event, index)}
            >
              {tab.label}
            </button>
            <IconButton label={`Close ${tab.label}`} className="size-9 sm:size-8 [&_svg]:size-4" onClick={() => onClose(tab.id)}>
              <X aria-hidden="true" />
            </IconButton>
          </div>
        ))}
      </div>
      <IconButton label="New terminal (Alt+T)" className="h-full! w-10" disabled={isOpening} onClick={onNew}>
        <Plus aria-hidden="true" />
      </IconButton>
      <span
        id={leavingHintId}
        className="hidden items-center truncate px-2 text-[0.8125rem] text-soft lg:group-has-[.xterm-helper-textarea:focus]/terminals:flex"
      >
        Shift+Esc leaves the terminal
      </span>
      <IconButton label="Search the terminal (Ctrl+Shift+F)" className="ml-auto h-full! w-10" disabled={tabs.length === 0} onClick={onSearch}>
        <Search aria-hidden="true" />
      </IconButton>
      {end !== undefined && <div className="flex shrink-0 items-center px-1">{end}</div>}
    </div>
  );
}
