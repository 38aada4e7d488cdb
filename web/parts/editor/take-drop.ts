import { wordsOf } from "../../app/api.ts";
import { droppedFiles, maxDropped } from "../../app/dropped-files.ts";
import { notify } from "../../app/notices.ts";
import { startUploads } from "../../app/uploads.ts";
import type { Bench } from "./bench-context.ts";

/** Uploads what was dropped, folders with everything in them. */
export function takeDrop(bench: Bench, transfer: DataTransfer, folder: string): void {
  droppedFiles(transfer, folder).then(
    (files) => {
      startUploads(bench.site.name, files);
      if (files.length >= maxDropped) notify({ tone: "bad", text: `Only the first ${maxDropped} files are uploaded. For more, use npx backlot deploy.` });
    },
    (error: unknown) =>
      notify({ tone: "bad", text: error instanceof DOMException ? "The browser could not read what was dropped. Try the upload button." : wordsOf(error) }),
  );
}
