import { CircleAlert } from "lucide-react";
import { type ReactNode, useEffect } from "react";
import type { OpenFile, TextBuffer } from "../../app/editor/text-buffer.ts";
import { useStore } from "../../app/store.ts";
import { Button } from "../button.tsx";
import { ProblemBox } from "../problem-box.tsx";
import { Loading, Skeleton } from "../skeleton.tsx";
import { useBench } from "./bench-context.ts";
import { CodeView } from "./code-view.tsx";
import { ConflictDialog } from "./conflict-dialog.tsx";
import { FileBar } from "./file-bar.tsx";
import { HistoryView } from "./history-view.tsx";
import { MediaView } from "./media-view.tsx";
import { OpaqueView } from "./opaque-view.tsx";

/** The file that is shown, with what can be done to it above. */
export function FilePane({ path }: { readonly path: string }): ReactNode {
  const { workbench, view, openFolder } = useBench();
  const file = useStore(workbench.session.files).get(path);
  const isFolder = file?.kind === "failed" && file.reason === "folder";
  useEffect(() => {
    if (!isFolder) return;
    workbench.close(path, true);
    openFolder(path);
  }, [isFolder, path, workbench, openFolder]);
  return (
    <>
      <FileBar path={path} file={file} />
      {view === "history" && <HistoryView key={path} path={path} />}
      {view === "picture" && file?.kind === "text" && <MediaView path={path} file={{ kind: "media", media: "image", etag: file.etag, size: file.size }} />}
      {(view === "edit" || (view === "picture" && file?.kind !== "text")) && <Content path={path} file={file} />}
    </>
  );
}

function Content({ path, file }: { readonly path: string; readonly file: OpenFile | undefined }): ReactNode {
  const { workbench, openFolder } = useBench();
  if (file === undefined || file.kind === "loading")
    return (
      <Loading label="The file is loading">
        <div className="flex flex-col gap-3 p-6">
          <Skeleton className="h-4 w-2/3" />
          <Skeleton className="h-4 w-1/2" />
          <Skeleton className="h-4 w-3/5" />
        </div>
      </Loading>
    );
  if (file.kind === "failed")
    return (
      <div className="min-h-0 flex-1 overflow-auto p-4">
        <ProblemBox
          title={file.reason === "missing" ? `There is no file at ${path}. It may have been moved or deleted.` : file.problem}
          retry={() => void workbench.session.open(path)}
        >
          <p className="mt-1 text-sm">Its history may still have it: see History above, or the deleted files.</p>
          <Button className="mt-2" onClick={() => openFolder("")}>
            To the files
          </Button>
        </ProblemBox>
      </div>
    );
  if (file.kind === "media") return <MediaView path={path} file={file} />;
  if (file.kind === "opaque") return <OpaqueView path={path} file={file} />;
  return <TextPane path={path} file={file} />;
}

function TextPane({ path, file }: { readonly path: string; readonly file: TextBuffer }): ReactNode {
  const { workbench, mayWrite, closeTab } = useBench();
  const { session } = workbench;
  return (
    <section aria-label={`Editor of ${path}`} className="flex min-h-0 flex-1 flex-col">
      {!mayWrite && <Bar tone="plain">You can read this site's files, not change them: your role here is viewer. Ask one of its owners for more.</Bar>}
      {file.isLarge && <Bar tone="plain">This file is too large to be edited here. Download it, change it, and upload it again.</Bar>}
      {file.onDisk === "changed" && file.conflict === null && (
        <Bar
          tone="warn"
          actions={
            <>
              <Button onClick={() => void session.compare(path)}>Compare</Button>
              <Button onClick={() => void session.revert(path)}>Give up mine</Button>
            </>
          }
        >
          Somebody else changed this file. Your changes are not saved yet, and nothing is overwritten without asking.
        </Bar>
      )}
      {file.onDisk === "gone" && file.conflict === null && (
        <Bar
          tone="warn"
          actions={
            <>
              {mayWrite && <Button onClick={() => void session.save(path, { etag: null })}>Save it again</Button>}
              <Button onClick={() => closeTab(path, true)}>Close it</Button>
            </>
          }
        >
          This file was deleted or moved meanwhile. What you see is only in this browser.
        </Bar>
      )}
      {!file.isKept && file.isDirty && <Bar tone="warn">This browser cannot keep your unsaved changes over a reload. Save them before you leave.</Bar>}
      {file.problem !== null && (
        <Bar tone="bad" actions={<Button onClick={() => void session.save(path)}>Try again</Button>}>
          {file.problem}
        </Bar>
      )}
      <div className="relative min-h-0 flex-1">
        <CodeView key={`${path} ${file.opened}`} session={session} path={path} mayWrite={mayWrite && !file.isLarge} />
      </div>
      <ConflictDialog session={session} path={path} file={file} />
    </section>
  );
}

const tones = { plain: "bg-sunken text-soft", warn: "bg-warn-tint text-warn", bad: "bg-bad-tint text-bad" } as const;

function Bar({ tone, actions, children }: { readonly tone: keyof typeof tones; readonly actions?: ReactNode; readonly children: ReactNode }): ReactNode {
  return (
    <div
      role={tone === "plain" ? "note" : "alert"}
      className={`flex flex-wrap items-center gap-x-3 gap-y-2 border-line border-b px-3 py-1.5 text-sm ${tones[tone]}`}
    >
      {tone !== "plain" && <CircleAlert className="size-4 shrink-0" aria-hidden="true" />}
      <p className="min-w-0 flex-1 basis-60">{children}</p>
      {actions !== undefined && <div className="flex flex-wrap gap-2 [&_button]:min-h-8 [&_button]:px-3 [&_button]:text-sm">{actions}</div>}
    </div>
  );
}
