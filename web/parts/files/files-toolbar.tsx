import { Download, FilePlus, FolderPlus, FolderUp, Plus, Upload } from "lucide-react";
import { type ChangeEvent, type ReactNode, useRef, useState } from "react";
import { archiveAddress } from "../../app/data-files.ts";
import { chosenFiles } from "../../app/dropped-files.ts";
import { startUploads } from "../../app/uploads.ts";
import { Button, buttonClass } from "../button.tsx";
import { Menu, MenuItem } from "../menu.tsx";
import { NewEntryDialog } from "./new-entry-dialog.tsx";

interface Props {
  readonly site: string;
  readonly folder: string;
  readonly mayWrite: boolean;
}

export function FilesToolbar({ site, folder, mayWrite }: Props): ReactNode {
  const filesInput = useRef<HTMLInputElement>(null);
  const folderInput = useRef<HTMLInputElement>(null);
  const [making, setMaking] = useState<"file" | "folder" | null>(null);
  const choose = (event: ChangeEvent<HTMLInputElement>): void => {
    if (event.target.files !== null) startUploads(site, chosenFiles(event.target.files, folder));
    // Emptied, so that choosing the same file again counts as a change.
    event.target.value = "";
  };
  return (
    <div className="flex w-full flex-wrap gap-2 sm:w-auto">
      <a
        href={archiveAddress(site, folder)}
        download
        className={buttonClass("plain", "flex-1 px-3 sm:flex-none")}
        title="Download this folder as a zip archive"
      >
        <Download aria-hidden="true" />
        Zip
      </a>
      {mayWrite && (
        <>
          <Menu
            trigger={
              <Button className="flex-1 px-3 sm:flex-none">
                <Plus aria-hidden="true" />
                New
              </Button>
            }
          >
            <MenuItem onSelect={() => setMaking("file")}>
              <FilePlus aria-hidden="true" />
              New file
            </MenuItem>
            <MenuItem onSelect={() => setMaking("folder")}>
              <FolderPlus aria-hidden="true" />
              New folder
            </MenuItem>
          </Menu>
          <Menu
            trigger={
              <Button variant="primary" className="flex-1 px-3 sm:flex-none">
                <Upload aria-hidden="true" />
                Upload
              </Button>
            }
          >
            <MenuItem onSelect={() => filesInput.current?.click()}>
              <Upload aria-hidden="true" />
              Files
            </MenuItem>
            <MenuItem onSelect={() => folderInput.current?.click()}>
              <FolderUp aria-hidden="true" />A whole folder
            </MenuItem>
          </Menu>
          <input ref={filesInput} type="file" multiple hidden onChange={choose} aria-label="Files to upload" />
          <input ref={folderInput} type="file" multiple hidden onChange={choose} aria-label="Folder to upload" {...{ webkitdirectory: "" }} />
          <NewEntryDialog site={site} folder={folder} making={making} onClose={() => setMaking(null)} />
        </>
      )}
    </div>
  );
}
