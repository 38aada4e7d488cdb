import type { ReactNode } from "react";
import { hasCode, wordsOf } from "../../app/api.ts";
import { useFolder } from "../../app/data-files.ts";
import { Breadcrumbs } from "../files/breadcrumbs.tsx";
import { EntryList, EntryListLoading } from "../files/entry-list.tsx";
import { FilesToolbar } from "../files/files-toolbar.tsx";
import { ProblemBox } from "../problem-box.tsx";
import { useBench } from "./bench-context.ts";

/** A folder as a list, with sizes and times, where no file is open. */
export function FolderPane({ folder }: { readonly folder: string }): ReactNode {
  const { site, mayWrite } = useBench();
  return (
    <div className="min-h-0 flex-1 overflow-auto px-4 pt-3 pb-6">
      <div className="mx-auto max-w-4xl">
        <div className="mb-3 flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
          <Breadcrumbs site={site.name} path={folder} />
          <FilesToolbar folder={folder} />
        </div>
        <Folder key={folder} folder={folder} />
        <p className="mt-3 hidden text-soft text-sm sm:block">
          {mayWrite
            ? "Drop files or folders anywhere on this page to upload them here, or onto a folder of the tree."
            : "You can read and download these files, not change them: your role here is viewer."}
        </p>
      </div>
    </div>
  );
}

function Folder({ folder }: { readonly folder: string }): ReactNode {
  const { site } = useBench();
  const { data, error, refetch } = useFolder(site.name, folder);
  if (data !== undefined) return <EntryList folder={folder} entries={data.entries} isTruncated={data.isTruncated} />;
  if (hasCode(error, "file_not_found", "not_a_folder"))
    return <ProblemBox title={`There is no folder called ${folder} here. It may have been moved or deleted.`} />;
  if (error !== null) return <ProblemBox title={wordsOf(error)} retry={() => void refetch()} />;
  return <EntryListLoading />;
}
