import { useEffect } from "react";
import type { SiteChange } from "#contract/api/files.ts";
import { refreshFiles, refreshFolder } from "../../app/data-files.ts";
import { useLiveChanges } from "../../app/editor/live-changes.ts";
import { baseOf, parentOf } from "../../app/paths.ts";
import { useStore } from "../../app/store.ts";
import { useBench } from "./bench-context.ts";
import { shownFolders } from "./use-tree.ts";

/** Follows what others and programs do to the folders that are shown and to the files that are open. */
export function useFollowedFiles(): void {
  const { site, workbench, path } = useBench();
  const { session } = workbench;
  const expanded = useStore(workbench.expanded);
  const tabs = useStore(workbench.tabs);
  const opened = [...(path === null ? [] : [path]), ...tabs];
  const checkOpened = (isMeant: (each: string) => boolean): void => {
    for (const each of session.files.get().keys()) if (isMeant(each)) void session.checkDisk(each);
  };
  useLiveChanges(site.name, [...opened.map(parentOf), ...shownFolders(expanded)], (change: SiteChange) => {
    if (change.type === "open") {
      void refreshFiles(site.name);
      // The others are looked at when they are shown: thirty tabs at once would be a crowd.
      checkOpened((each) => each === path);
      return;
    }
    void refreshFolder(site.name, change.folder);
    const names = change.type === "changed" ? change.names : null;
    checkOpened((each) => parentOf(each) === change.folder && (names === null || names.includes(baseOf(each))));
  });
  // Where no stream comes through, coming back to the page asks; so does looking at a tab.
  useEffect(() => {
    if (path !== null) void session.checkDisk(path);
    const look = (): void => {
      if (document.visibilityState === "visible" && path !== null) void session.checkDisk(path);
    };
    window.addEventListener("focus", look);
    return () => window.removeEventListener("focus", look);
  }, [session, path]);
}
