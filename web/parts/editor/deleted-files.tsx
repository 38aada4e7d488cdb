import { useMutation } from "@tanstack/react-query";
import { RotateCcw } from "lucide-react";
import type { ReactNode } from "react";
import type { FileVersion } from "#contract/api/files.ts";
import { wordsOf } from "../../app/api.ts";
import { restore, useDeleted } from "../../app/data-history.ts";
import { bytesText } from "../../app/formats.ts";
import { Button } from "../button.tsx";
import { ProblemBox } from "../problem-box.tsx";
import { Loading, Skeleton } from "../skeleton.tsx";
import { TimeAgo } from "../time-ago.tsx";
import { useBench } from "./bench-context.ts";

/** What was deleted and can be had back. */
export function DeletedFiles({ folder, onClose }: { readonly folder: string; readonly onClose: () => void }): ReactNode {
  const bench = useBench();
  const { data, error, refetch } = useDeleted(bench.site.name, folder, true);
  const bring = useMutation({
    mutationFn: (version: FileVersion) => restore(bench.site.name, version, { path: version.path, base: null }),
    onSuccess: (_, version) => {
      onClose();
      bench.open(version.path);
    },
  });
  const problem = error !== null && <ProblemBox title={wordsOf(error)} retry={() => void refetch()} />;
  if (data === undefined)
    return (
      problem || (
        <Loading label="Deleted files are loading">
          <Skeleton className="h-24 w-full" />
        </Loading>
      )
    );
  if (data.versions.length === 0)
    return (
      <>
        {problem}
        <p className="text-soft">Nothing that was deleted is kept. Programs of the site delete for good.</p>
      </>
    );
  return (
    <>
      {problem}
      {bring.error !== null && <ProblemBox title={wordsOf(bring.error)} />}
      <ul aria-label="Deleted files" className="-mx-2 divide-y divide-line">
        {data.versions.map((version) => (
          <li key={version.id} className="flex items-center gap-3 px-2 py-2">
            <div className="min-w-0 flex-1">
              <p className="[overflow-wrap:anywhere]">{version.path}</p>
              <p className="text-soft text-sm">
                {bytesText(version.size)}, deleted <TimeAgo at={version.endedAt} />
                {version.endedBy !== null && ` by ${version.endedBy.username}`}
              </p>
            </div>
            {bench.mayWrite && (
              <Button className="px-3" disabled={bring.isPending} onClick={() => bring.mutate(version)} aria-label={`Bring back ${version.path}`}>
                <RotateCcw aria-hidden="true" />
                Bring back
              </Button>
            )}
          </li>
        ))}
      </ul>
      {data.truncated && <p className="mt-2 text-soft text-sm">Older ones are not listed.</p>}
    </>
  );
}
