import { baseOf } from "../paths.ts";

/** Most tabs of a site: beyond it the leftmost that is not needed is closed. */
export const maxTabs = 30;

/** Whether a path is the one given, or lies in the folder of that name. */
export function isAtOrBelow(path: string, place: string): boolean {
  return path === place || path.startsWith(`${place}/`);
}

/** Where a path is after a file or folder was moved. */
export function movedPath(path: string, { from, to }: { readonly from: string; readonly to: string }): string {
  return isAtOrBelow(path, from) ? to + path.slice(from.length) : path;
}

/** Adds a tab behind the present one. `isNeeded` tells which ones may not be closed to make room. */
export function openTab(
  tabs: readonly string[],
  path: string,
  at: { readonly after: string | null; readonly isNeeded: (path: string) => boolean },
): readonly string[] {
  if (tabs.includes(path)) return tabs;
  const index = at.after === null ? -1 : tabs.indexOf(at.after);
  const grown = index === -1 ? [...tabs, path] : tabs.toSpliced(index + 1, 0, path);
  if (grown.length <= maxTabs) return grown;
  const spare = grown.find((each) => each !== path && each !== at.after && !at.isNeeded(each));
  return spare === undefined ? grown : grown.filter((each) => each !== spare);
}

/** The tab to show when one is closed: its right neighbour, else the left one, else none. */
export function neighbourOf(tabs: readonly string[], path: string): string | null {
  const index = tabs.indexOf(path);
  return tabs[index + 1] ?? tabs[index - 1] ?? null;
}

/** What a tab is called: the name, with as many of its folders as tell it from other tabs. */
export function tabLabel(tabs: readonly string[], path: string): { readonly name: string; readonly folder: string } {
  const name = baseOf(path);
  const rivals = tabs.filter((each) => each !== path && baseOf(each) === name).map((each) => each.split("/").slice(0, -1));
  if (rivals.length === 0) return { name, folder: "" };
  const folders = path.split("/").slice(0, -1);
  if (folders.length === 0) return { name, folder: "site's folder" };
  for (let count = 1; count < folders.length; count++) {
    const tail = folders.slice(-count).join("/");
    if (rivals.every((rival) => rival.slice(-count).join("/") !== tail)) return { name, folder: tail };
  }
  return { name, folder: folders.join("/") };
}
