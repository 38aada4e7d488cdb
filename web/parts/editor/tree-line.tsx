import { ChevronRight, EllipsisVertical, Link2 } from "lucide-react";
import type { DragEvent, MouseEvent, ReactNode } from "react";
import { type EntryRow, entryWords, type TreeRow } from "../../app/editor/tree.ts";
import { cx } from "../class-names.ts";
import { EntryIcon } from "../files/entry-icon.tsx";
import type { MenuPlace } from "./entry-menu.tsx";

interface Props {
  readonly row: TreeRow;
  readonly index: number;
  readonly heightPx: number;
  readonly isCurrent: boolean;
  /** It is the file in the editor. */
  readonly isShown: boolean;
  /** Something is held over it. */
  readonly isOver: boolean;
  readonly mayWrite: boolean;
  readonly onChoose: (row: EntryRow) => void;
  readonly onMenu: (place: MenuPlace) => void;
  readonly drag: { readonly start: (event: DragEvent, path: string) => void; readonly end: () => void };
}

/** How far a level is set in, in pixels. */
const stepPx = 14;

export function TreeLine(props: Props): ReactNode {
  const { row, index, heightPx } = props;
  const style = { top: `${index * heightPx}px`, height: `${heightPx}px`, paddingLeft: `${8 + row.depth * stepPx}px` };
  if (row.kind === "note")
    return (
      <p className={cx("absolute inset-x-0 flex items-center truncate pr-2 pl-8 text-sm", row.isProblem ? "text-bad" : "text-soft")} style={style}>
        <span className="truncate pl-[22px]">{row.text}</span>
      </p>
    );
  return <EntryLine {...props} row={row} style={style} />;
}

function EntryLine({ row, index, isCurrent, isShown, isOver, mayWrite, onChoose, onMenu, drag, style }: Props & { row: EntryRow; style: object }): ReactNode {
  const { entry, path, depth, isExpanded } = row;
  const isFolder = entry.type === "folder";
  const openMenu = (event: MouseEvent): void => {
    event.preventDefault();
    event.stopPropagation();
    onMenu({ row, x: event.clientX, y: event.clientY });
  };
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the tree takes the keys for all of its lines.
    // biome-ignore lint/a11y/useFocusableInteractive: the tree has the focus and names the present line.
    <div
      id={`tree-${index}`}
      data-row={index}
      data-path={path}
      data-folder={isFolder}
      role="treeitem"
      aria-level={depth + 1}
      aria-selected={isShown}
      aria-label={entryWords(entry)}
      {...(isFolder ? { "aria-expanded": isExpanded } : {})}
      draggable={mayWrite}
      onDragStart={(event) => drag.start(event, path)}
      onDragEnd={drag.end}
      onClick={() => onChoose(row)}
      onContextMenu={openMenu}
      title={entry.target === undefined ? path : `${path} → ${entry.target}`}
      className={cx(
        "group absolute inset-x-0 flex cursor-pointer select-none items-center gap-1.5 pr-1 text-[0.875rem]",
        isShown ? "bg-tint font-medium" : "hover:bg-sunken",
        isCurrent && "outline-1 outline-edge/60 -outline-offset-1 in-[[role=tree]:focus-visible]:outline-2 in-[[role=tree]:focus-visible]:outline-accent",
        isOver && "bg-tint outline-2 outline-accent -outline-offset-2",
      )}
      style={style}
    >
      <ChevronRight className={cx("size-4 shrink-0 text-soft transition-transform", isExpanded && "rotate-90", !isFolder && "invisible")} aria-hidden="true" />
      <span className="flex shrink-0 [&_svg]:size-[1.125rem]" aria-hidden="true">
        {entry.type === "link" ? <Link2 className="text-soft" /> : <EntryIcon entry={entry} />}
      </span>
      <span className={cx("min-w-0 truncate", entry.name.startsWith(".") && "text-soft")}>{entry.name}</span>
      {entry.target !== undefined && <span className="min-w-0 shrink-[3] truncate text-soft">→ {entry.target}</span>}
      {entry.executable && entry.type === "file" && <span className="shrink-0 rounded bg-good-tint px-1 text-[0.6875rem] text-good">runs</span>}
      <button
        type="button"
        tabIndex={-1}
        aria-label={`Actions for ${entry.name}`}
        onClick={openMenu}
        className="ml-auto flex size-7 shrink-0 items-center justify-center rounded text-soft opacity-0 hover:bg-line hover:text-ink focus-visible:opacity-100 group-hover:opacity-100 pointer-coarse:size-10 pointer-coarse:opacity-100"
      >
        <EllipsisVertical className="size-4" aria-hidden="true" />
      </button>
    </div>
  );
}
