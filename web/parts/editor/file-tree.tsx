import { type ReactNode, useEffect, useRef, useState } from "react";
import type { EntryRow } from "../../app/editor/tree.ts";
import { useStore } from "../../app/store.ts";
import { useBench } from "./bench-context.ts";
import { EntryMenu, type MenuPlace } from "./entry-menu.tsx";
import { useTreeDrop } from "./tree-drop.ts";
import { useTreeKeys } from "./tree-keys.ts";
import { TreeLine } from "./tree-line.tsx";
import { useTreeRows } from "./use-tree.ts";
import { useWindow } from "./use-window.ts";

/** The site's files as a tree. Only lines in sight are drawn, so that thousands of files cost nothing. */
export function FileTree({ rowPx, onChosen }: { readonly rowPx: number; readonly onChosen?: () => void }): ReactNode {
  const bench = useBench();
  const { workbench, site, path: shown, mayWrite } = bench;
  const expanded = useStore(workbench.expanded);
  const rows = useTreeRows(site.name, expanded);
  const [current, setCurrent] = useState<string | null>(shown);
  const [menu, setMenu] = useState<MenuPlace | null>(null);
  const box = useRef<HTMLDivElement>(null);
  const { first, last, scrollTo } = useWindow(box, { rowPx, count: rows.length });
  const drop = useTreeDrop(bench);
  useEffect(() => setCurrent(shown), [shown]);
  const index = rows.findIndex((row) => row.kind === "entry" && row.path === current);
  useEffect(() => {
    if (index >= 0) scrollTo(index);
  }, [index, scrollTo]);
  const choose = (row: EntryRow): void => {
    setCurrent(row.path);
    if (row.entry.type === "folder") workbench.toggle(row.path);
    else {
      bench.open(row.path);
      onChosen?.();
    }
  };
  const openMenu = (row: EntryRow): void => {
    const line = box.current?.querySelector(`[data-row="${rows.indexOf(row)}"]`)?.getBoundingClientRect();
    setMenu({ row, x: (line?.left ?? 0) + 40, y: line?.bottom ?? 0 });
  };
  const closeMenu = (): void => {
    setMenu(null);
    // What was chosen may have opened a dialog, which takes the focus for itself.
    requestAnimationFrame(() => document.activeElement === document.body && box.current?.focus());
  };
  const onKeyDown = useTreeKeys({ rows, current, setCurrent, choose, openMenu });
  return (
    <>
      <div
        ref={box}
        role="tree"
        tabIndex={0}
        aria-label={`Files of ${site.name}`}
        aria-activedescendant={index >= first && index < last ? `tree-${index}` : undefined}
        onKeyDown={onKeyDown}
        {...drop.boxHandlers}
        className="relative min-h-0 flex-1 overflow-auto overscroll-contain py-1 focus-visible:-outline-offset-3 data-[over=true]:bg-tint"
        data-over={drop.over === ""}
      >
        <div className="relative" style={{ height: `${rows.length * rowPx}px` }}>
          {rows.slice(first, last).map((row, offset) => (
            <TreeLine
              key={`${row.kind} ${row.path}`}
              row={row}
              index={first + offset}
              heightPx={rowPx}
              isCurrent={row.kind === "entry" && row.path === current}
              isShown={row.path === shown}
              isOver={row.kind === "entry" && drop.over === row.path}
              mayWrite={mayWrite}
              onChoose={choose}
              onMenu={setMenu}
              drag={drop}
            />
          ))}
        </div>
      </div>
      <EntryMenu place={menu} onClose={closeMenu} />
    </>
  );
}
