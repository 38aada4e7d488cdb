import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import type { FolderEntry } from "#contract/api/files.ts";
import { wordsOf } from "../../app/api.ts";
import { useFile, useFileEntry } from "../../app/data-files.ts";
import { may, useSite } from "../../app/data-sites.ts";
import { parentOf } from "../../app/paths.ts";
import { decodeText, imageTypeOf, maxEditableBytes } from "../../app/text-file.ts";
import { buttonClass } from "../../parts/button.tsx";
import { Breadcrumbs } from "../../parts/files/breadcrumbs.tsx";
import { DeleteDialog } from "../../parts/files/delete-dialog.tsx";
import { FileActions } from "../../parts/files/file-actions.tsx";
import { ImageView, OtherFile } from "../../parts/files/file-views.tsx";
import { TextEditor } from "../../parts/files/text-editor.tsx";
import { ProblemBox } from "../../parts/problem-box.tsx";
import { Loading, Skeleton } from "../../parts/skeleton.tsx";

export function FilePage(): ReactNode {
  const { name, _splat: path = "" } = useParams({ from: "/app/sites/$name/edit/$" });
  const { entry, error, refetch, isFetching, data } = useFileEntry(name, path);
  const [deleting, setDeleting] = useState<FolderEntry | null>(null);
  const navigate = useNavigate();
  const { data: site } = useSite(name);
  const mayWrite = may(site, "site.files.write");
  const toFolder = (): void => void navigate({ to: "/sites/$name/files/$", params: { name, _splat: parentOf(path) }, ignoreBlocker: true });
  return (
    <>
      <div className="mb-3 flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
        <Breadcrumbs site={name} path={path} />
        {entry !== undefined && site !== undefined && (
          <FileActions site={site} path={path} entry={entry} mayWrite={mayWrite} onDelete={() => setDeleting(entry)} />
        )}
      </div>
      {entry !== undefined && <FileContentView key={path} site={name} path={path} entry={entry} mayWrite={mayWrite} />}
      {entry === undefined && error !== null && <ProblemBox title={wordsOf(error)} retry={() => void refetch()} />}
      {entry === undefined && error === null && (data === undefined || isFetching) && <FileLoading />}
      {entry === undefined && data !== undefined && !isFetching && (
        <ProblemBox title={`There is no file at ${path}. It may have been moved or deleted.`}>
          <Link to="/sites/$name/files/$" params={{ name, _splat: "" }} className={buttonClass("plain", "mt-2")}>
            To the files
          </Link>
        </ProblemBox>
      )}
      <DeleteDialog site={name} folder={parentOf(path)} entry={deleting} onClose={() => setDeleting(null)} onDeleted={toFolder} />
    </>
  );
}

interface ContentProps {
  readonly site: string;
  readonly path: string;
  readonly entry: FolderEntry;
  readonly mayWrite: boolean;
}

function FileContentView({ site, path, entry, mayWrite }: ContentProps): ReactNode {
  const imageType = imageTypeOf(entry.name);
  // A picture that is text, as SVG is, can be looked at and edited.
  const isSvg = imageType === "image/svg+xml";
  const isOpened = entry.type === "file" && (entry.size <= maxEditableBytes || imageType !== null);
  const { data: content, error, refetch } = useFile(site, path, isOpened);
  if (entry.type !== "file") return <OtherFile site={site} path={path} entry={entry} reason="link" />;
  if (!isOpened) return <OtherFile site={site} path={path} entry={entry} reason="large" />;
  if (error !== null && content === undefined) return <ProblemBox title={wordsOf(error)} retry={() => void refetch()} />;
  if (content === undefined) return <FileLoading />;
  const text = imageType === null || isSvg ? decodeText(content.bytes) : null;
  return (
    <>
      {imageType !== null && <ImageView bytes={content.bytes} type={imageType} name={entry.name} />}
      {text !== null && entry.size <= maxEditableBytes && <TextEditor site={site} path={path} text={text} content={content} isReadOnly={!mayWrite} />}
      {text === null && imageType === null && <OtherFile site={site} path={path} entry={entry} reason="binary" />}
    </>
  );
}

function FileLoading(): ReactNode {
  return (
    <Loading label="The file is loading">
      <Skeleton className="h-80 w-full rounded-xl" />
    </Loading>
  );
}
