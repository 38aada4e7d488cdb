import { type KeyboardEvent, useRef } from "react";
import { type EntryRow, findByLetters, stepFrom, type TreeRow, type TreeStep } from "../../app/editor/tree.ts";
import { parentOf } from "../../app/paths.ts";
import { type Bench, useBench } from "./bench-context.ts";

const steps: Readonly<Record<string, TreeStep>> = { ArrowUp: "up", ArrowDown: "down", Home: "first", End: "last", PageUp: "pageUp", PageDown: "pageDown" };
/** Letters typed within this time belong together, in milliseconds. */
const lettersMs = 700;

interface Tree {
  readonly rows: readonly TreeRow[];
  readonly current: string | null;
  readonly setCurrent: (path: string) => void;
  readonly choose: (row: EntryRow) => void;
  readonly openMenu: (row: EntryRow) => void;
}

/** What keys do in the tree: arrows walk, Enter opens, letters find, F2 renames, Delete deletes, Shift+F10 opens the menu. */
export function useTreeKeys(tree: Tree): (event: KeyboardEvent) => void {
  const bench = useBench();
  const letters = useRef({ text: "", at: 0 });
  return (event) => {
    // A combination is the browser's, or the page's; Shift+F10 is the tree's.
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { rows, current, setCurrent } = tree;
    const step = steps[event.key];
    const row = rows.find((each): each is EntryRow => each.kind === "entry" && each.path === current);
    const act = row === undefined ? null : actionOf(event, row, { ...tree, bench });
    // Only letters in a row belong together.
    if (event.key.length > 1 && event.key !== "Shift") letters.current = { text: "", at: 0 };
    if (step !== undefined) setCurrent(stepFrom(rows, current, step) ?? "");
    else if (act !== null) act();
    else if (event.key.length === 1 && event.key !== " ") {
      const isSame = event.timeStamp - letters.current.at < lettersMs;
      letters.current = { text: isSame ? letters.current.text + event.key : event.key, at: event.timeStamp };
      setCurrent(findByLetters(rows, current, letters.current.text) ?? current ?? "");
    } else return;
    event.preventDefault();
  };
}

function actionOf({ key, shiftKey }: KeyboardEvent, row: EntryRow, tree: Tree & { readonly bench: Bench }): (() => void) | null {
  const { path, entry, isExpanded } = row;
  const { bench, rows, setCurrent } = tree;
  const toggle = (): void => bench.workbench.toggle(path);
  const isFolder = entry.type === "folder";
  if (key === "Enter" || key === " ") return () => tree.choose(row);
  if (key === "ArrowRight" && isFolder) return isExpanded ? () => setCurrent(stepFrom(rows, path, "down") ?? path) : toggle;
  if (key === "ArrowLeft") return isExpanded ? toggle : () => parentOf(path) !== "" && setCurrent(parentOf(path));
  if (key === "ContextMenu" || (key === "F10" && shiftKey)) return () => tree.openMenu(row);
  if (key === "F2" && bench.mayWrite) return () => bench.ask({ kind: "move", path, entry });
  if (key === "Delete" && bench.mayWrite) return () => bench.ask({ kind: "delete", path, entry });
  return null;
}
