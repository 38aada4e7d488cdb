import { X } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useEffect, useRef } from "react";
import { tabLabel } from "../../app/editor/tabs.ts";
import { useStore } from "../../app/store.ts";
import { cx } from "../class-names.ts";
import { useBench } from "./bench-context.ts";

/** The open files. A dot tells unsaved work; the middle button closes. */
export function TabStrip(): ReactNode {
  const bench = useBench();
  const { workbench, path: shown } = bench;
  const tabs = useStore(workbench.tabs);
  const list = useRef<HTMLDivElement>(null);
  const isFocusLeaving = useRef(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another file may stand outside of what is in sight.
  useEffect(() => {
    const tab = list.current?.querySelector<HTMLElement>('[aria-selected="true"]');
    tab?.scrollIntoView({ block: "nearest", inline: "nearest" });
    // A tab that is closed by a key takes the focus with it, to be given to the one that is shown next; unsaved work asks first.
    const { activeElement: at } = document;
    if (!isFocusLeaving.current || list.current?.contains(at) === true || (tab == null && tabs.length > 0)) return;
    isFocusLeaving.current = false;
    if (at === document.body || at?.id === "main") tab?.focus();
  }, [shown, tabs]);
  const onKeyDown = (event: KeyboardEvent, path: string): void => {
    const at = tabs.indexOf(path);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: tabs.length - 1 }[event.key];
    const target = to === undefined ? undefined : tabs[to];
    if (event.key === "Delete") {
      isFocusLeaving.current = true;
      bench.closeTab(path);
    } else if (target === undefined) return;
    else {
      bench.open(target);
      list.current?.querySelectorAll<HTMLElement>('[role="tab"]')[to ?? 0]?.focus();
    }
    event.preventDefault();
  };
  return (
    <div ref={list} role="tablist" aria-label="Open files" className="flex min-w-0 flex-1 overflow-x-auto [scrollbar-width:none]">
      {tabs.map((path, index) => (
        <Tab key={path} path={path} hasTabStop={path === shown || (shown === null && index === 0)} onKeyDown={onKeyDown} />
      ))}
    </div>
  );
}

interface TabProps {
  readonly path: string;
  /** One tab takes part in the order of the Tab key; arrows lead to the others. */
  readonly hasTabStop: boolean;
  readonly onKeyDown: (event: KeyboardEvent, path: string) => void;
}

function Tab({ path, hasTabStop, onKeyDown }: TabProps): ReactNode {
  const bench = useBench();
  const tabs = useStore(bench.workbench.tabs);
  const file = useStore(bench.workbench.session.files).get(path);
  const isDirty = file?.kind === "text" && file.isDirty;
  const isShown = path === bench.path;
  const { name, folder } = tabLabel(tabs, path);
  return (
    <div
      role="presentation"
      className={cx(
        "group relative flex h-10 max-w-56 shrink-0 items-center border-line border-r text-[0.875rem]",
        isShown ? "bg-surface text-ink after:absolute after:inset-x-0 after:top-0 after:h-0.5 after:bg-accent" : "text-soft hover:bg-surface/60",
      )}
    >
      <button
        type="button"
        role="tab"
        aria-selected={isShown}
        aria-label={isDirty ? `${path}, unsaved` : path}
        title={path}
        tabIndex={hasTabStop ? 0 : -1}
        onClick={() => bench.open(path)}
        onAuxClick={(event) => event.button === 1 && bench.closeTab(path)}
        // Otherwise Chromium begins to scroll with the middle button.
        onMouseDown={(event) => event.button === 1 && event.preventDefault()}
        onKeyDown={(event) => onKeyDown(event, path)}
        className="flex h-full min-w-0 items-center gap-1.5 pr-1 pl-3 focus-visible:-outline-offset-3"
      >
        <span className="truncate">{name}</span>
        {folder !== "" && <span className="truncate text-soft text-xs">{folder}</span>}
      </button>
      <button
        type="button"
        tabIndex={-1}
        aria-label={`Close ${name}`}
        title="Close"
        onClick={() => bench.closeTab(path)}
        className="mr-1.5 flex size-6 shrink-0 items-center justify-center rounded hover:bg-line pointer-coarse:size-9"
      >
        {isDirty && <span className="size-2.5 rounded-full bg-warn group-hover:hidden pointer-coarse:hidden" aria-hidden="true" />}
        <X className={cx("size-4", closeClass(isDirty, isShown))} aria-hidden="true" />
      </button>
    </div>
  );
}

/** The dot of unsaved work gives way to the cross under the pointer; a finger sees the cross only. */
function closeClass(isDirty: boolean, isShown: boolean): string {
  if (isDirty) return "hidden group-hover:block pointer-coarse:block";
  return isShown ? "" : "opacity-0 group-hover:opacity-100 pointer-coarse:opacity-100";
}
