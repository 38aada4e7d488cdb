import { EllipsisVertical, FilePlus, FolderPlus, Upload } from "lucide-react";
import { type ReactNode, useState } from "react";
import { archiveAddress, refreshFiles } from "../../app/data-files.ts";
import { editorPreferences, setPreference } from "../../app/editor/preferences.ts";
import { useStore } from "../../app/store.ts";
import { IconButton } from "../button.tsx";
import { cx } from "../class-names.ts";
import { Menu, MenuItem, MenuSeparator } from "../menu.tsx";
import { useBench } from "./bench-context.ts";
import { chooseFiles } from "./choose-files.ts";
import { FileTree } from "./file-tree.tsx";
import { SearchPanel } from "./search-panel.tsx";

type Side = "files" | "search";

/** The tree of files, or the search in them. Both stay as they are while the other is shown. */
export function SideBar({ rowPx, onChosen }: { readonly rowPx: number; readonly onChosen?: () => void }): ReactNode {
  const [side, setSide] = useState<Side>("files");
  const tab = (name: Side, words: string): ReactNode => (
    <button
      type="button"
      aria-pressed={side === name}
      onClick={() => setSide(name)}
      className={cx("h-8 rounded-md px-2.5 text-[0.8125rem] font-medium", side === name ? "bg-tint text-ink" : "text-soft hover:text-ink")}
    >
      {words}
    </button>
  );
  return (
    <div className="flex h-full min-h-0 flex-col bg-surface">
      <div className="flex h-10 shrink-0 items-center gap-0.5 border-line border-b px-2">
        {tab("files", "Files")}
        {tab("search", "Search")}
        {side === "files" && <TreeButtons />}
      </div>
      <div className={cx("flex min-h-0 flex-1 flex-col", side !== "files" && "hidden")}>
        <FileTree rowPx={rowPx} {...(onChosen === undefined ? {} : { onChosen })} />
      </div>
      <div className={cx("flex min-h-0 flex-1 flex-col", side !== "search" && "hidden")}>
        <SearchPanel isShown={side === "search"} {...(onChosen === undefined ? {} : { onChosen })} />
      </div>
    </div>
  );
}

function TreeButtons(): ReactNode {
  const { site, folder, mayWrite, ask, workbench } = useBench();
  const { showsHidden } = useStore(editorPreferences);
  const small = "size-9 sm:size-8 [&_svg]:size-[1.125rem]";
  const place = folder === "" ? "the site's folder" : folder;
  return (
    <div className="ml-auto flex">
      {mayWrite && (
        <>
          <IconButton label={`New file in ${place}`} className={small} onClick={() => ask({ kind: "new", what: "file", folder })}>
            <FilePlus aria-hidden="true" />
          </IconButton>
          <IconButton label={`New folder in ${place}`} className={small} onClick={() => ask({ kind: "new", what: "folder", folder })}>
            <FolderPlus aria-hidden="true" />
          </IconButton>
        </>
      )}
      <Menu
        trigger={
          <IconButton label="More for all files" className={small}>
            <EllipsisVertical aria-hidden="true" />
          </IconButton>
        }
      >
        {mayWrite && (
          <>
            <MenuItem onSelect={() => chooseFiles(site.name, folder)}>
              <Upload aria-hidden="true" />
              Upload files to {place}…
            </MenuItem>
            <MenuItem onSelect={() => chooseFiles(site.name, folder, "folder")}>Upload a whole folder…</MenuItem>
            <MenuSeparator />
          </>
        )}
        <MenuItem onSelect={() => setPreference({ showsHidden: !showsHidden })}>{showsHidden ? "Hide hidden files" : "Show hidden files"}</MenuItem>
        <MenuItem onSelect={() => workbench.setExpanded([])}>Close all folders</MenuItem>
        <MenuItem onSelect={() => void refreshFiles(site.name)}>Read again</MenuItem>
        <MenuSeparator />
        <MenuItem onSelect={() => ask({ kind: "deleted", folder: "" })}>Deleted files…</MenuItem>
        <MenuItem asChild>
          <a href={archiveAddress(site.name, "")} download="">
            Download all as zip
          </a>
        </MenuItem>
      </Menu>
    </div>
  );
}
