import { ClipboardCopy, Copy, Download, ExternalLink, FileCog, FilePlus, FolderPlus, History, PencilLine, Trash2, Upload } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import type { ReactNode } from "react";
import type { FolderEntry } from "#contract/api/files.ts";
import { wordsOf } from "../../app/api.ts";
import { archiveAddress, fileAddress, useSetExecutable } from "../../app/data-files.ts";
import type { EntryRow } from "../../app/editor/tree.ts";
import { notify } from "../../app/notices.ts";
import { publicAddress } from "../../app/paths.ts";
import { MenuContent, MenuItem, MenuSeparator } from "../menu.tsx";
import { useBench } from "./bench-context.ts";
import { chooseFiles } from "./choose-files.ts";

export interface MenuPlace {
  readonly row: EntryRow;
  readonly x: number;
  readonly y: number;
}

interface EntryProps {
  readonly path: string;
  readonly entry: FolderEntry;
}

/** What can be done to a file or folder, where the pointer is. */
export function EntryMenu({ place, onClose }: { readonly place: MenuPlace | null; readonly onClose: () => void }): ReactNode {
  return (
    <DropdownMenu.Root open={place !== null} onOpenChange={(isOpen) => !isOpen && onClose()} modal={false}>
      <DropdownMenu.Trigger asChild>
        <span aria-hidden="true" className="pointer-events-none fixed size-0" style={{ left: `${place?.x ?? 0}px`, top: `${place?.y ?? 0}px` }} />
      </DropdownMenu.Trigger>
      {place !== null && (
        <MenuContent align="start">
          <EntryItems path={place.row.path} entry={place.row.entry} />
        </MenuContent>
      )}
    </DropdownMenu.Root>
  );
}

/** The lines of the menu of a file or folder. */
export function EntryItems({ path, entry }: EntryProps): ReactNode {
  const bench = useBench();
  const { site, mayWrite } = bench;
  const isFolder = entry.type === "folder";
  const address = isFolder ? null : publicAddress(site.url, path);
  return (
    <>
      {address !== null && (
        <MenuItem asChild>
          <a href={address} target="_blank" rel="noopener noreferrer">
            <ExternalLink aria-hidden="true" />
            See it on the site
          </a>
        </MenuItem>
      )}
      {isFolder && mayWrite && <FolderItems path={path} />}
      <MenuItem asChild>
        <a href={isFolder ? archiveAddress(site.name, path) : fileAddress(site.name, path)} download={isFolder ? "" : entry.name}>
          <Download aria-hidden="true" />
          Download{isFolder && " as zip"}
        </a>
      </MenuItem>
      <MenuItem onSelect={() => void navigator.clipboard.writeText(path).then(() => notify({ tone: "good", text: "The path is copied" }))}>
        <ClipboardCopy aria-hidden="true" />
        Copy the path
      </MenuItem>
      {entry.type === "file" && (
        <MenuItem
          onSelect={() => {
            bench.open(path);
            bench.setView("history");
          }}
        >
          <History aria-hidden="true" />
          History
        </MenuItem>
      )}
      {mayWrite && <WritingItems path={path} entry={entry} />}
    </>
  );
}

function FolderItems({ path }: { readonly path: string }): ReactNode {
  const bench = useBench();
  return (
    <>
      <MenuItem onSelect={() => bench.ask({ kind: "new", what: "file", folder: path })}>
        <FilePlus aria-hidden="true" />
        New file…
      </MenuItem>
      <MenuItem onSelect={() => bench.ask({ kind: "new", what: "folder", folder: path })}>
        <FolderPlus aria-hidden="true" />
        New folder…
      </MenuItem>
      <MenuItem onSelect={() => chooseFiles(bench.site.name, path)}>
        <Upload aria-hidden="true" />
        Upload here…
      </MenuItem>
      <MenuSeparator />
    </>
  );
}

function WritingItems({ path, entry }: EntryProps): ReactNode {
  const bench = useBench();
  const setExecutable = useSetExecutable(bench.site.name);
  const toggle = (): void =>
    setExecutable.mutate({ path, executable: !entry.executable }, { onError: (error) => notify({ tone: "bad", text: wordsOf(error) }) });
  return (
    <>
      <MenuSeparator />
      <MenuItem onSelect={() => bench.ask({ kind: "move", path, entry })}>
        <PencilLine aria-hidden="true" />
        Rename or move…
      </MenuItem>
      <MenuItem onSelect={() => bench.ask({ kind: "copy", path, entry })}>
        <Copy aria-hidden="true" />
        Copy to…
      </MenuItem>
      {entry.type === "file" && (
        <MenuItem onSelect={toggle}>
          <FileCog aria-hidden="true" />
          {entry.executable ? "Make not executable" : "Make executable"}
        </MenuItem>
      )}
      <MenuSeparator />
      <MenuItem isDangerous onSelect={() => bench.ask({ kind: "delete", path, entry })}>
        <Trash2 aria-hidden="true" />
        Delete…
      </MenuItem>
    </>
  );
}
