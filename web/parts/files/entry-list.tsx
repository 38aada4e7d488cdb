import { Link } from "@tanstack/react-router";
import { EllipsisVertical } from "lucide-react";
import { type ReactNode, useState } from "react";
import type { FolderEntry } from "#contract/api/files.ts";
import { editorPreferences, setPreference } from "../../app/editor/preferences.ts";
import { bytesText } from "../../app/formats.ts";
import { joinPath } from "../../app/paths.ts";
import { useStore } from "../../app/store.ts";
import { IconButton } from "../button.tsx";
import { useBench } from "../editor/bench-context.ts";
import { EntryItems } from "../editor/entry-menu.tsx";
import { SwitchField } from "../field.tsx";
import { Menu } from "../menu.tsx";
import { Loading, Skeleton } from "../skeleton.tsx";
import { TimeAgo } from "../time-ago.tsx";
import { EntryIcon, entryNote } from "./entry-icon.tsx";

interface ListProps {
  readonly folder: string;
  readonly entries: readonly FolderEntry[];
  readonly isTruncated: boolean;
}

const isHidden = (entry: FolderEntry): boolean => entry.name.startsWith(".");
/** Rows drawn at once; a folder with thousands of files would otherwise freeze the page. */
const step = 300;

export function EntryList(props: ListProps): ReactNode {
  const { site, mayWrite } = useBench();
  const { showsHidden } = useStore(editorPreferences);
  const [limit, setLimit] = useState(step);
  const hidden = props.entries.filter(isHidden).length;
  const shown = showsHidden ? props.entries : props.entries.filter((entry) => !isHidden(entry));
  return (
    <>
      {shown.length === 0 ? (
        <p className="card px-4 py-10 text-center text-soft">
          This folder is empty{hidden > 0 ? " but for hidden files" : ""}.{mayWrite && " Upload something, or make a new file."}
        </p>
      ) : (
        <ul className="card divide-y divide-line" aria-label={`Files in ${props.folder === "" ? site.name : props.folder}`}>
          {shown.slice(0, limit).map((entry) => (
            <EntryRow key={entry.name} folder={props.folder} entry={entry} />
          ))}
        </ul>
      )}
      {shown.length > limit && (
        <button type="button" className="mt-2 min-h-11 rounded-lg px-3 font-medium text-accent hover:underline" onClick={() => setLimit(limit + step)}>
          Show {Math.min(step, shown.length - limit)} more of {shown.length}
        </button>
      )}
      {props.isTruncated && (
        <p className="mt-2 text-soft text-sm">This folder holds so many files that only some of them are listed. The zip has all of them.</p>
      )}
      {hidden > 0 && (
        <div className="mt-3">
          <SwitchField label={`Show hidden files (${hidden})`} checked={showsHidden} onChange={(checked) => setPreference({ showsHidden: checked })} />
        </div>
      )}
    </>
  );
}

function EntryRow({ folder, entry }: { readonly folder: string; readonly entry: FolderEntry }): ReactNode {
  const { site } = useBench();
  const path = joinPath(folder, entry.name);
  const isFolder = entry.type === "folder";
  const note = entryNote(folder, entry);
  return (
    <li className="relative flex min-h-14 items-center gap-3 px-3 py-1 first:rounded-t-[0.875rem] last:rounded-b-[0.875rem] hover:bg-sunken sm:min-h-12 sm:px-4">
      <EntryIcon entry={entry} />
      <div className="min-w-0 flex-1">
        <Link
          to={isFolder ? "/sites/$name/files/$" : "/sites/$name/edit/$"}
          params={{ name: site.name, _splat: path }}
          className="block truncate font-medium text-[0.9375rem] after:absolute after:inset-0 after:rounded-[inherit]"
          title={entry.name}
        >
          {entry.name}
        </Link>
        {note !== "" && <p className="truncate text-soft text-sm">{note}</p>}
        {!isFolder && (
          <p className="text-soft text-sm sm:hidden">
            {bytesText(entry.size)} · <TimeAgo at={entry.modifiedAt} />
          </p>
        )}
      </div>
      <span className="hidden w-24 shrink-0 text-right text-soft text-sm tabular-nums sm:block">{isFolder ? "" : bytesText(entry.size)}</span>
      <span className="hidden w-32 shrink-0 text-right text-soft text-sm sm:block">
        <TimeAgo at={entry.modifiedAt} />
      </span>
      <Menu
        trigger={
          <IconButton label={`Actions for ${entry.name}`} className="relative z-10">
            <EllipsisVertical aria-hidden="true" />
          </IconButton>
        }
      >
        <EntryItems path={path} entry={entry} />
      </Menu>
    </li>
  );
}

export function EntryListLoading(): ReactNode {
  return (
    <Loading label="The folder is loading">
      <div className="card divide-y divide-line">
        {[1, 2, 3, 4].map((each) => (
          <div key={each} className="flex h-12 items-center gap-3 px-4">
            <Skeleton className="size-5" />
            <Skeleton className="h-4 w-40" />
          </div>
        ))}
      </div>
    </Loading>
  );
}
