import { useQueries } from "@tanstack/react-query";
import { useMemo } from "react";
import { hasCode, wordsOf } from "../../app/api.ts";
import { folderQuery } from "../../app/data-files.ts";
import { editorPreferences } from "../../app/editor/preferences.ts";
import { type FolderState, foldersAbove, type TreeRow, treeRows } from "../../app/editor/tree.ts";
import { useStore } from "../../app/store.ts";

/** The folders whose entries are to be seen: open ones in open ones. */
export function shownFolders(expanded: ReadonlySet<string>): readonly string[] {
  return ["", ...[...expanded].filter((folder) => foldersAbove(folder).every((above) => expanded.has(above)))];
}

/** The lines of the tree; each folder is read when it is opened, and again when something in it changes. */
export function useTreeRows(site: string, expanded: ReadonlySet<string>): readonly TreeRow[] {
  const { showsHidden } = useStore(editorPreferences);
  const folders = useMemo(() => shownFolders(expanded), [expanded]);
  const states = useQueries({
    queries: folders.map((folder) => folderQuery(site, folder)),
    combine: (results) =>
      results.map(({ data, error }): FolderState => {
        if (data !== undefined) return { state: "there", ...data };
        if (error === null) return { state: "loading" };
        return { state: "failed", problem: hasCode(error, "file_not_found", "not_a_folder") ? "This folder is not there any more" : wordsOf(error) };
      }),
  });
  return useMemo(
    () => treeRows({ folders: new Map(folders.map((folder, index) => [folder, states[index] ?? { state: "loading" }])), expanded, showsHidden }),
    [folders, states, expanded, showsHidden],
  );
}
