import { Download, FilePlus, FolderPlus, FolderUp, Plus, Upload } from "lucide-react";
import type { ReactNode } from "react";
import { archiveAddress } from "../../app/data-files.ts";
import { Button, buttonClass } from "../button.tsx";
import { useBench } from "../editor/bench-context.ts";
import { chooseFiles } from "../editor/choose-files.ts";
import { Menu, MenuItem } from "../menu.tsx";

export function FilesToolbar({ folder }: { readonly folder: string }): ReactNode {
  const { site, mayWrite, ask } = useBench();
  return (
    <div className="flex w-full flex-wrap gap-2 sm:w-auto">
      <a
        href={archiveAddress(site.name, folder)}
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
            <MenuItem onSelect={() => ask({ kind: "new", what: "file", folder })}>
              <FilePlus aria-hidden="true" />
              New file
            </MenuItem>
            <MenuItem onSelect={() => ask({ kind: "new", what: "folder", folder })}>
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
            <MenuItem onSelect={() => chooseFiles(site.name, folder)}>
              <Upload aria-hidden="true" />
              Files
            </MenuItem>
            <MenuItem onSelect={() => chooseFiles(site.name, folder, "folder")}>
              <FolderUp aria-hidden="true" />A whole folder
            </MenuItem>
          </Menu>
        </>
      )}
    </div>
  );
}
