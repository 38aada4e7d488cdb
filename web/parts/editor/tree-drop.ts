import { type DragEvent, useRef, useState } from "react";
import { moveProblem } from "../../app/editor/tree.ts";
import { notify } from "../../app/notices.ts";
import { baseOf, joinPath, parentOf } from "../../app/paths.ts";
import type { Bench } from "./bench-context.ts";
import { takeDrop } from "./take-drop.ts";

/** What is dragged inside the tree. */
const treeType = "application/x-backlot-path";
/** A closed folder opens when something is held over it this long, in milliseconds. */
const openMs = 650;

/** Dragging in the tree moves; dropping files from outside uploads them into the folder under the pointer. */
export function useTreeDrop(bench: Bench) {
  const [over, setOver] = useState<string | null>(null);
  const dragged = useRef<string | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const hold = (folder: string | null): void => {
    if (folder === over) return;
    clearTimeout(timer.current);
    setOver(folder);
    if (folder !== null && folder !== "") timer.current = setTimeout(() => bench.workbench.expand(folder), openMs);
  };
  const isTaken = (event: DragEvent): boolean =>
    bench.mayWrite && (event.dataTransfer.types.includes(treeType) ? dragged.current !== null : event.dataTransfer.types.includes("Files"));
  const drop = (event: DragEvent): void => {
    const folder = folderAt(event);
    hold(null);
    if (!isTaken(event)) return;
    event.preventDefault();
    event.stopPropagation();
    const from = dragged.current;
    if (from === null) {
      takeDrop(bench, event.dataTransfer, folder);
      return;
    }
    const problem = moveProblem(from, folder);
    // Why it failed was told already.
    if (problem === null) bench.move(from, joinPath(folder, baseOf(from))).catch(() => undefined);
    else if (parentOf(from) !== folder) notify({ tone: "bad", text: problem });
  };
  return {
    over,
    start: (event: DragEvent, path: string): void => {
      dragged.current = path;
      event.dataTransfer.setData(treeType, path);
      event.dataTransfer.setData("text/plain", path);
      event.dataTransfer.effectAllowed = "move";
    },
    end: (): void => {
      dragged.current = null;
      hold(null);
    },
    boxHandlers: {
      onDragOver: (event: DragEvent): void => {
        if (!isTaken(event)) return;
        event.preventDefault();
        hold(folderAt(event));
      },
      onDragLeave: (event: DragEvent): void => {
        if (!(event.relatedTarget instanceof Node) || !event.currentTarget.contains(event.relatedTarget)) hold(null);
      },
      onDrop: drop,
    },
  };
}

/** The folder under the pointer: a file stands for the folder it is in, the empty place below for the site's own. */
function folderAt(event: DragEvent): string {
  const line = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-path]") : null;
  const path = line?.dataset.path;
  if (path === undefined) return "";
  return line?.dataset.folder === "true" ? path : parentOf(path);
}
