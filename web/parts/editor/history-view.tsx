import { useMutation } from "@tanstack/react-query";
import { Download, RotateCcw } from "lucide-react";
import { type ReactNode, useState } from "react";
import type { FileVersion } from "#contract/api/files.ts";
import { hasCode, wordsOf } from "../../app/api.ts";
import { restore, useHistory, useVersion, versionAddress } from "../../app/data-history.ts";
import { bytesText, momentText } from "../../app/formats.ts";
import { notify } from "../../app/notices.ts";
import { baseOf } from "../../app/paths.ts";
import { useStore } from "../../app/store.ts";
import { decodeText } from "../../app/text-file.ts";
import { Button, buttonClass } from "../button.tsx";
import { cx } from "../class-names.ts";
import { ConfirmDialog } from "../confirm-dialog.tsx";
import { ProblemBox } from "../problem-box.tsx";
import { Loading, Skeleton } from "../skeleton.tsx";
import { TimeAgo } from "../time-ago.tsx";
import { useBench } from "./bench-context.ts";
import { LazyCompare } from "./lazy-compare.tsx";

/** Earlier versions of a file: who saved them and when, compared with what stands in the editor, and back again. */
export function HistoryView({ path }: { readonly path: string }): ReactNode {
  const { site, setView } = useBench();
  const { data, error, refetch } = useHistory(site.name, path);
  const [chosen, setChosen] = useState<string | null>(null);
  if (error !== null && data === undefined)
    return (
      <div className="p-4">
        <ProblemBox title={wordsOf(error)} retry={() => void refetch()} />
      </div>
    );
  if (data === undefined)
    return (
      <Loading label="The history is loading">
        <Skeleton className="m-4 h-24" />
      </Loading>
    );
  const { versions, truncated } = data;
  const shown = versions.find(({ id }) => id === chosen) ?? versions[0];
  if (shown === undefined)
    return (
      <div className="flex flex-1 flex-col items-center justify-center gap-3 p-6 text-center">
        <p className="max-w-md text-soft">No earlier version of this file is kept. Each time somebody saves it from now on, the version before is.</p>
        <Button onClick={() => setView("edit")}>Back to the editor</Button>
      </div>
    );
  return (
    <div className="flex min-h-0 flex-1 flex-col lg:flex-row">
      <div className="flex max-h-44 shrink-0 flex-col overflow-auto border-line border-b lg:max-h-none lg:w-64 lg:border-r lg:border-b-0">
        <ul aria-label={`Versions of ${baseOf(path)}`}>
          {versions.map((version) => (
            <VersionRow key={version.id} version={version} path={path} isShown={version === shown} onChoose={() => setChosen(version.id)} />
          ))}
        </ul>
        {truncated && <p className="px-3 py-2 text-soft text-sm">Older versions are not listed.</p>}
      </div>
      <VersionPane key={shown.id} path={path} version={shown} />
    </div>
  );
}

const ends: Readonly<Record<FileVersion["ended"], string>> = {
  overwrite: "replaced",
  move: "replaced by a moved file",
  delete: "deleted",
  restore: "replaced by an older version",
  deploy: "replaced by a deployment",
};

function VersionRow(props: { readonly version: FileVersion; readonly path: string; readonly isShown: boolean; readonly onChoose: () => void }): ReactNode {
  const { version, path, isShown, onChoose } = props;
  const by = version.savedBy === null ? "" : ` by ${version.savedBy.username}`;
  return (
    <li>
      <button
        type="button"
        aria-current={isShown}
        onClick={onChoose}
        className={cx("block w-full border-line border-b px-3 py-2 text-left focus-visible:-outline-offset-3", isShown ? "bg-tint" : "hover:bg-sunken")}
      >
        <span className="block font-medium text-[0.875rem]">{momentText(version.modifiedAt)}</span>
        <span className="block text-soft text-sm">{by === "" ? bytesText(version.size) : `Saved${by}, ${bytesText(version.size)}`}</span>
        <span className="block text-soft text-sm">
          {ends[version.ended]} <TimeAgo at={version.endedAt} />
          {version.endedBy !== null && ` by ${version.endedBy.username}`}
        </span>
        {version.path !== path && <span className="block text-soft text-sm [overflow-wrap:anywhere]">as {version.path}</span>}
      </button>
    </li>
  );
}

function VersionPane({ path, version }: { readonly path: string; readonly version: FileVersion }): ReactNode {
  const { site, workbench, mayWrite } = useBench();
  const bytes = useVersion(site.name, version.id);
  const [isAsking, setAsking] = useState(false);
  const file = useStore(workbench.session.files).get(path);
  const put = useRestore(path, version);
  const ask = (): void => (file?.kind === "text" && file.isDirty ? setAsking(true) : put.mutate());
  return (
    <div className="flex min-h-0 min-w-0 flex-1 flex-col">
      <div className="flex flex-wrap items-center justify-end gap-2 border-line border-b bg-surface px-3 py-1.5 [&_a]:min-h-8 [&_a]:text-sm [&_button]:min-h-8 [&_button]:text-sm">
        <a href={versionAddress(site.name, version.id)} download={baseOf(path)} className={buttonClass("plain", "px-3")}>
          <Download aria-hidden="true" />
          Download
        </a>
        {mayWrite && (
          <Button variant="primary" className="px-3" onClick={ask} busy={put.isPending && "Restoring…"}>
            <RotateCcw aria-hidden="true" />
            Restore
          </Button>
        )}
      </div>
      {put.error !== null && (
        <div className="p-3">
          <ProblemBox title={wordsOf(put.error)} />
        </div>
      )}
      <VersionText path={path} bytes={bytes.data} error={bytes.error} version={version} />
      <ConfirmDialog
        isOpen={isAsking}
        onClose={() => setAsking(false)}
        title="Restore over unsaved changes?"
        confirmLabel="Restore"
        busyLabel="Restoring…"
        isBusy={put.isPending}
        onConfirm={() => {
          setAsking(false);
          put.mutate();
        }}
      >
        <p>What you typed and did not save goes. What was saved last stays in the history.</p>
      </ConfirmDialog>
    </div>
  );
}

function useRestore(path: string, version: FileVersion) {
  const { site, workbench, setView } = useBench();
  const { session } = workbench;
  return useMutation({
    mutationFn: async () => {
      const file = session.files.get().get(path);
      const base = file !== undefined && "etag" in file ? file.etag : null;
      const givenUp = session.stateOf(path)?.doc;
      await restore(site.name, version, { path, base }).catch((error: unknown) => {
        // The list is of a moment ago: somebody has saved meanwhile.
        if (hasCode(error, "file_changed")) void session.checkDisk(path);
        throw error;
      });
      // What was typed while the answer was waited for was never asked about.
      await (session.stateOf(path)?.doc === givenUp ? session.revert(path) : session.checkDisk(path));
    },
    onSuccess: () => {
      setView("edit");
      notify({ tone: "good", text: `${baseOf(path)} is as it was on ${momentText(version.modifiedAt)}` });
    },
  });
}

interface TextProps {
  readonly path: string;
  readonly bytes: Uint8Array | undefined;
  readonly error: unknown;
  readonly version: FileVersion;
}

function VersionText({ path, bytes, error, version }: TextProps): ReactNode {
  const { workbench } = useBench();
  if (error !== null && bytes === undefined) return <p className="p-4 text-bad">{wordsOf(error)}</p>;
  if (bytes === undefined) return <p className="p-4 text-soft">Loading…</p>;
  const old = decodeText(bytes);
  if (old === null) return <p className="p-4 text-soft">This version is not text. Download it to look at it: {bytesText(version.size)}.</p>;
  const now = workbench.session.stateOf(path)?.doc.toString() ?? "";
  return (
    <LazyCompare
      path={path}
      left={{ title: `Version of ${momentText(version.modifiedAt)}`, text: old.text }}
      right={{ title: "In the editor now", text: now }}
    />
  );
}
