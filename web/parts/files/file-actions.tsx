import { Download, EllipsisVertical, Trash2 } from "lucide-react";
import type { ReactNode } from "react";
import type { FolderEntry } from "#contract/api/files.ts";
import type { SiteView } from "#contract/api/views.ts";
import { fileAddress } from "../../app/data-files.ts";
import { publicAddress } from "../../app/paths.ts";
import { buttonClass, IconButton } from "../button.tsx";
import { ExternalLink } from "../external-link.tsx";
import { Menu, MenuItem } from "../menu.tsx";

interface Props {
  readonly site: SiteView;
  readonly path: string;
  readonly entry: FolderEntry;
  readonly mayWrite: boolean;
  readonly onDelete: () => void;
}

/** What can be done with an open file besides editing it. */
export function FileActions({ site, path, entry, mayWrite, onDelete }: Props): ReactNode {
  const address = publicAddress(site.url, path);
  return (
    <div className="flex items-center gap-2">
      {address !== null && (
        <ExternalLink href={address} className={buttonClass("plain", "px-3")}>
          See it
        </ExternalLink>
      )}
      <a href={fileAddress(site.name, path)} download={entry.name} className={buttonClass("plain", "px-3")}>
        <Download aria-hidden="true" />
        Download
      </a>
      {mayWrite && (
        <Menu
          trigger={
            <IconButton label={`More actions for ${entry.name}`}>
              <EllipsisVertical aria-hidden="true" />
            </IconButton>
          }
        >
          <MenuItem isDangerous onSelect={onDelete}>
            <Trash2 aria-hidden="true" />
            Delete…
          </MenuItem>
        </Menu>
      )}
    </div>
  );
}
