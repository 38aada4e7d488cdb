import { Copy, Download, EllipsisVertical, History, Image as ImageIcon, PencilLine, Save, Trash2 } from "lucide-react";
import type { ReactNode } from "react";
import type { FolderEntry } from "#contract/api/files.ts";
import { fileAddress } from "../../app/data-files.ts";
import { isDrawing } from "../../app/editor/content.ts";
import type { OpenFile } from "../../app/editor/text-buffer.ts";
import { baseOf, crumbsOf, publicAddress } from "../../app/paths.ts";
import { Button, buttonClass, IconButton } from "../button.tsx";
import { ExternalLink } from "../external-link.tsx";
import { Menu, MenuItem, MenuSeparator } from "../menu.tsx";
import { useBench } from "./bench-context.ts";

interface Props {
  readonly path: string;
  readonly file: OpenFile | undefined;
}

/** Where the file is, and what can be done with it. */
export function FileBar({ path, file }: Props): ReactNode {
  const { site, workbench, mayWrite, view, setView } = useBench();
  const address = publicAddress(site.url, path);
  const isDirty = file?.kind === "text" && file.isDirty;
  const isHistory = view === "history";
  return (
    <div className="flex min-h-11 items-center gap-1 border-line border-b bg-surface pr-2 pl-1 sm:min-h-10 [&_a]:min-h-9 [&_button]:min-h-9 sm:[&_a]:min-h-8 sm:[&_button]:min-h-8">
      <Crumbs path={path} />
      <div className="ml-auto flex shrink-0 items-center gap-1">
        {address !== null && (
          <ExternalLink href={address} className={buttonClass("quiet", "px-2.5 text-sm max-sm:hidden")}>
            See it
          </ExternalLink>
        )}
        {isDrawing(path) && file?.kind === "text" && (
          <Button
            variant="quiet"
            className="px-2.5 text-sm aria-pressed:bg-tint"
            aria-pressed={view === "picture"}
            onClick={() => setView(view === "picture" ? "edit" : "picture")}
          >
            <ImageIcon aria-hidden="true" />
            <span className="max-sm:sr-only">Picture</span>
          </Button>
        )}
        <Button
          variant="quiet"
          className="px-2.5 text-sm aria-pressed:bg-tint"
          aria-pressed={isHistory}
          onClick={() => setView(isHistory ? "edit" : "history")}
        >
          <History aria-hidden="true" />
          <span className="max-sm:sr-only">History</span>
        </Button>
        {mayWrite && file?.kind === "text" && !file.isLarge && (
          <Button
            variant={isDirty ? "primary" : "quiet"}
            className="px-3 text-sm"
            onClick={() => void workbench.session.save(path)}
            disabled={!isDirty}
            busy={file.isSaving && "Saving…"}
            title="Ctrl+S, or ⌘S on a Mac"
          >
            <Save aria-hidden="true" />
            Save
          </Button>
        )}
        <FileMenu path={path} address={address} />
      </div>
    </div>
  );
}

/** The folders on the way; on a narrow page only the name. */
function Crumbs({ path }: { readonly path: string }): ReactNode {
  const { openFolder } = useBench();
  const crumbs = crumbsOf(path);
  return (
    <nav aria-label="Folders" className="min-w-0 overflow-hidden">
      <ol className="flex items-center text-[0.8125rem] text-soft">
        {crumbs.map((crumb, index) =>
          index === crumbs.length - 1 ? (
            <li key={crumb.path} aria-current="page" className="truncate px-1 font-medium text-ink">
              {crumb.name}
            </li>
          ) : (
            <li key={crumb.path} className="flex shrink-0 items-center max-sm:hidden">
              <button
                type="button"
                className="rounded px-1 hover:text-ink hover:underline focus-visible:-outline-offset-2"
                onClick={() => openFolder(crumb.path)}
              >
                {crumb.name}
              </button>
              <span aria-hidden="true">/</span>
            </li>
          ),
        )}
      </ol>
    </nav>
  );
}

function FileMenu({ path, address }: { readonly path: string; readonly address: string | null }): ReactNode {
  const { site, mayWrite, ask } = useBench();
  const name = baseOf(path);
  // Only the name and the kind are asked for by what the menu does.
  const entry: FolderEntry = { name, type: "file", size: 0, modifiedAt: new Date(0).toISOString(), executable: false };
  return (
    <Menu
      trigger={
        <IconButton label={`More actions for ${name}`} className="size-9 sm:size-8">
          <EllipsisVertical aria-hidden="true" />
        </IconButton>
      }
    >
      {address !== null && (
        <MenuItem asChild className="sm:hidden">
          <ExternalLink href={address}>See it</ExternalLink>
        </MenuItem>
      )}
      <MenuItem asChild>
        <a href={fileAddress(site.name, path)} download={name}>
          <Download aria-hidden="true" />
          Download
        </a>
      </MenuItem>
      {mayWrite && (
        <>
          <MenuItem onSelect={() => ask({ kind: "move", path, entry })}>
            <PencilLine aria-hidden="true" />
            Rename or move…
          </MenuItem>
          <MenuItem onSelect={() => ask({ kind: "copy", path, entry })}>
            <Copy aria-hidden="true" />
            Copy to…
          </MenuItem>
          <MenuSeparator />
          <MenuItem isDangerous onSelect={() => ask({ kind: "delete", path, entry })}>
            <Trash2 aria-hidden="true" />
            Delete…
          </MenuItem>
        </>
      )}
    </Menu>
  );
}
