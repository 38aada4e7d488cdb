import { CircleCheck, CircleX, Clock, LoaderCircle } from "lucide-react";
import type { ReactNode } from "react";
import { bytesText, countText } from "../../app/formats.ts";
import { useStore } from "../../app/store.ts";
import { clearUploads, decideExisting, retryUpload, type Upload, uploads } from "../../app/uploads.ts";
import { Button } from "../button.tsx";

/** Rows shown; a dropped folder can bring thousands of files. */
const maxRows = 8;
const rank = { failed: 0, exists: 1, sending: 2, waiting: 3, done: 4 } as const;

/** Uploads of this site: what is sent, what went wrong, and what waits for a decision. */
export function UploadPanel({ site }: { readonly site: string }): ReactNode {
  const mine = useStore(uploads).filter((upload) => upload.site === site);
  if (mine.length === 0) return null;
  const done = mine.filter((upload) => upload.state === "done").length;
  const existing = mine.filter((upload) => upload.state === "exists");
  const total = mine.reduce((sum, upload) => sum + upload.size, 0);
  const sent = mine.reduce((sum, upload) => sum + Math.min(upload.sent, upload.size), 0);
  const isBusy = mine.some((upload) => upload.state === "sending" || upload.state === "waiting");
  const rows = [...mine].sort((a, b) => rank[a.state] - rank[b.state]).slice(0, maxRows);
  return (
    <section className="card p-4 shadow-float!" aria-label="Uploads">
      <div className="flex flex-wrap items-center justify-between gap-2">
        <p className="font-medium" role="status">
          {isBusy
            ? `Uploading ${countText(mine.length, "file")}, ${bytesText(sent)} of ${bytesText(total)}`
            : `${done} of ${countText(mine.length, "file")} uploaded`}
        </p>
        {!isBusy && <Button onClick={() => clearUploads(site)}>Put away</Button>}
      </div>
      <progress className="sr-only" value={sent} max={Math.max(1, total)} aria-label="Uploads" />
      {existing.length > 0 && (
        <div className="mt-3 flex flex-wrap items-center gap-2 rounded-xl bg-warn-tint px-4 py-3">
          <p className="min-w-0 flex-1 basis-56 text-warn">
            {existing.length === 1 ? `${existing[0]?.path} exists already.` : `${existing.length} files exist already.`} Replace{" "}
            {existing.length === 1 ? "it" : "them"}?
          </p>
          <Button onClick={() => decideExisting(site, "skip")}>Keep the old</Button>
          <Button variant="primary" onClick={() => decideExisting(site, "replace")}>
            Replace
          </Button>
        </div>
      )}
      <ul className="mt-3 flex flex-col gap-2">
        {rows.map((upload) => (
          <UploadRow key={upload.id} upload={upload} />
        ))}
      </ul>
      {mine.length > maxRows && <p className="mt-2 text-soft text-sm">and {countText(mine.length - maxRows, "other file")}</p>}
    </section>
  );
}

function UploadRow({ upload }: { readonly upload: Upload }): ReactNode {
  const percent = upload.size === 0 ? (upload.state === "done" ? 100 : 0) : Math.round((upload.sent / upload.size) * 100);
  return (
    <li className="flex items-center gap-3 text-[0.9375rem]">
      <UploadIcon state={upload.state} />
      <div className="min-w-0 flex-1">
        <p className="truncate">{upload.path}</p>
        {upload.problem !== null && <p className="text-bad text-sm">{upload.problem}</p>}
        {upload.state === "sending" && (
          <div className="mt-1 h-1.5 overflow-hidden rounded-full bg-line">
            <div className="h-full rounded-full bg-accent" style={{ width: `${percent}%` }} />
          </div>
        )}
      </div>
      <span className="shrink-0 text-soft text-sm tabular-nums">{upload.state === "sending" ? `${percent} %` : bytesText(upload.size)}</span>
      {upload.state === "failed" && <Button onClick={() => retryUpload(upload.id)}>Try again</Button>}
    </li>
  );
}

function UploadIcon({ state }: { readonly state: Upload["state"] }): ReactNode {
  if (state === "done") return <CircleCheck className="size-5 shrink-0 text-good" aria-label="Uploaded" />;
  if (state === "failed") return <CircleX className="size-5 shrink-0 text-bad" aria-label="Failed" />;
  if (state === "sending") return <LoaderCircle className="size-5 shrink-0 animate-spin text-sky" aria-label="Uploading" />;
  return <Clock className="size-5 shrink-0 text-soft" aria-label={state === "exists" ? "Exists already" : "Waiting"} />;
}
