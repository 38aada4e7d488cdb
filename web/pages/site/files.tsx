import { useParams } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import type { FolderEntry } from "#contract/api/files.ts";
import { hasCode, wordsOf } from "../../app/api.ts";
import { useFolder } from "../../app/data-files.ts";
import { may, useSite } from "../../app/data-sites.ts";
import { startUploads } from "../../app/uploads.ts";
import { Breadcrumbs } from "../../parts/files/breadcrumbs.tsx";
import { DeleteDialog } from "../../parts/files/delete-dialog.tsx";
import { DropZone } from "../../parts/files/drop-zone.tsx";
import { EntryList, EntryListLoading } from "../../parts/files/entry-list.tsx";
import { FilesToolbar } from "../../parts/files/files-toolbar.tsx";
import { MoveDialog } from "../../parts/files/move-dialog.tsx";
import { UploadPanel } from "../../parts/files/upload-panel.tsx";
import { ProblemBox } from "../../parts/problem-box.tsx";

export function FilesPage(): ReactNode {
  const { name, _splat = "" } = useParams({ from: "/app/sites/$name/files/$" });
  const folder = _splat.replace(/\/+$/, "");
  const { data: site } = useSite(name);
  const mayWrite = may(site, "site.files.write");
  const [moving, setMoving] = useState<FolderEntry | null>(null);
  const [deleting, setDeleting] = useState<FolderEntry | null>(null);
  return (
    <DropZone folder={folder} isOff={!mayWrite} onFiles={(files) => startUploads(name, files)}>
      <div className="mb-3 flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
        <Breadcrumbs site={name} path={folder} />
        <FilesToolbar site={name} folder={folder} mayWrite={mayWrite} />
      </div>
      <UploadPanel site={name} />
      <Folder site={name} folder={folder} mayWrite={mayWrite} onMove={setMoving} onDelete={setDeleting} />
      {mayWrite && <p className="mt-3 hidden text-soft text-sm sm:block">Drop files or folders anywhere on this page to upload them here.</p>}
      <MoveDialog site={name} folder={folder} entry={moving} onClose={() => setMoving(null)} />
      <DeleteDialog site={name} folder={folder} entry={deleting} onClose={() => setDeleting(null)} />
    </DropZone>
  );
}

interface FolderProps {
  readonly site: string;
  readonly folder: string;
  readonly mayWrite: boolean;
  readonly onMove: (entry: FolderEntry) => void;
  readonly onDelete: (entry: FolderEntry) => void;
}

function Folder({ site, folder, mayWrite, onMove, onDelete }: FolderProps): ReactNode {
  const { data, error, refetch } = useFolder(site, folder);
  if (data !== undefined)
    return (
      <EntryList
        key={folder}
        site={site}
        folder={folder}
        entries={data.entries}
        isTruncated={data.isTruncated}
        mayWrite={mayWrite}
        onMove={onMove}
        onDelete={onDelete}
      />
    );
  if (hasCode(error, "file_not_found", "not_a_folder"))
    return <ProblemBox title={`There is no folder called ${folder} here. It may have been moved or deleted.`} />;
  if (error !== null) return <ProblemBox title={wordsOf(error)} retry={() => void refetch()} />;
  return <EntryListLoading />;
}
