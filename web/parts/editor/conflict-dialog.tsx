import { type ReactNode, useEffect, useState } from "react";
import type { EditorSession } from "../../app/editor/session.ts";
import type { Conflict, TextBuffer } from "../../app/editor/text-buffer.ts";
import { Button } from "../button.tsx";
import { Dialog, DialogActions } from "../dialog.tsx";
import { LazyCompare } from "./lazy-compare.tsx";

interface Props {
  readonly session: EditorSession;
  readonly path: string;
  readonly file: TextBuffer;
}

/** Shows both versions of a file that was changed meanwhile: a person keeps one, or joins them. */
export function ConflictDialog({ session, path, file }: Props): ReactNode {
  const { conflict } = file;
  return (
    <Dialog
      isOpen={conflict !== null}
      onClose={() => session.leaveConflict(path)}
      size="huge"
      title={conflict?.etag === null ? `${path} was deleted meanwhile` : `${path} was changed meanwhile`}
      description={conflict === null ? "" : wordsFor(conflict)}
    >
      {conflict !== null && <Choice key={`${path} ${conflict.etag}`} {...{ session, path, file, conflict }} />}
    </Dialog>
  );
}

function wordsFor({ etag, theirs, merged }: Conflict): string {
  if (etag === null) return "Somebody deleted or moved the file after you opened it. Save it again, or go back to the editor.";
  const happened = "Somebody saved another version after you opened the file. Nothing was overwritten.";
  if (theirs === null) return `${happened} The other version is not text, so it cannot be shown here.`;
  if (merged !== null) return `${happened} The changes do not touch each other: the right side holds both.`;
  return `${happened} Bring over from the left what you want with the arrows, and edit the right side as you like.`;
}

function Choice({ session, path, file, conflict }: Props & { readonly conflict: Conflict }): ReactNode {
  const [mine] = useState(() => session.stateOf(path)?.doc.toString() ?? "");
  const first = conflict.merged ?? mine;
  const [text, setText] = useState(first);
  const isMine = text === mine;
  const [side, setSide] = useState<"merged" | "mine">(conflict.merged === null ? "mine" : "merged");
  useEffect(() => setText(side === "merged" ? (conflict.merged ?? mine) : mine), [side, conflict, mine]);
  const begins = side === "merged" ? (conflict.merged ?? mine) : mine;
  return (
    <>
      {conflict.theirs !== null && (
        <div className="flex h-[55vh] flex-col overflow-hidden rounded-xl border border-line sm:h-[60vh]">
          <LazyCompare
            path={path}
            left={{ title: "The other version", text: conflict.theirs.text }}
            right={{ title: side === "merged" ? "Both versions joined" : "Your version", text: begins }}
            onRight={setText}
          />
        </div>
      )}
      {file.problem !== null && <p className="mt-3 text-bad">{file.problem}</p>}
      <DialogActions>
        <Button onClick={() => session.leaveConflict(path)}>Back to the editor</Button>
        {conflict.theirs !== null && <Button onClick={() => session.takeTheirs(path)}>Take the other version</Button>}
        {conflict.merged !== null && (
          <Button onClick={() => setSide(side === "merged" ? "mine" : "merged")}>{side === "merged" ? "Only my version" : "Both joined"}</Button>
        )}
        <Button variant="primary" onClick={() => void session.resolve(path, text)} busy={file.isSaving && "Saving…"}>
          {conflict.etag === null ? "Save it again" : isMine ? "Keep my version" : "Save the joined version"}
        </Button>
      </DialogActions>
    </>
  );
}
