import { type ReactNode, useState } from "react";
import { beginJoining, type Joining, joinedBy, joinedText, turned } from "../../app/editor/joining.ts";
import type { EditorSession } from "../../app/editor/session.ts";
import type { Conflict, TextBuffer } from "../../app/editor/text-buffer.ts";
import { notify } from "../../app/notices.ts";
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
      onClose={() => leave(session, path)}
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
  const { joining, begins, edit, turn } = useJoining(session, path, conflict);
  const isMerged = joining.side === "merged";
  const text = joinedText(joining);
  return (
    <>
      {conflict.theirs !== null && (
        <div className="flex h-[55vh] flex-col overflow-hidden rounded-xl border border-line sm:h-[60vh]">
          <LazyCompare
            key={joining.side}
            path={path}
            left={{ title: "The other version", text: conflict.theirs.text }}
            right={{ title: isMerged ? "Both versions joined" : "Your version", text: begins }}
            onRight={edit}
          />
        </div>
      )}
      {file.problem !== null && <p className="mt-3 text-bad">{file.problem}</p>}
      <DialogActions>
        <Button onClick={() => leave(session, path)}>Back to the editor</Button>
        {conflict.theirs !== null && <Button onClick={() => session.takeTheirs(path)}>Take the other version</Button>}
        {conflict.merged !== null && <Button onClick={turn}>{isMerged ? "Only my version" : "Both joined"}</Button>}
        <Button variant="primary" onClick={() => void session.resolve(path, text)} busy={file.isSaving && "Saving…"}>
          {conflict.etag === null ? "Save it again" : text === joining.mine.first ? "Keep my version" : "Save the joined version"}
        </Button>
      </DialogActions>
    </>
  );
}

/** What is made of a conflict: the session holds it too, for whoever leaves by another way than the buttons. */
function useJoining(session: EditorSession, path: string, conflict: Conflict) {
  const [joining, setJoining] = useState(() => session.joining(path) ?? beginJoining(conflict.merged, session.stateOf(path)?.doc.toString() ?? ""));
  // What the comparison begins with: it holds what is typed from then on.
  const [begins, setBegins] = useState(() => joinedText(joining));
  const change = (next: Joining): void => {
    setJoining(next);
    session.join(path, next);
  };
  const turn = (): void => {
    const next = turned(joining);
    change(next);
    setBegins(joinedText(next));
  };
  return { joining, begins, edit: (text: string) => change(joinedBy(joining, text)), turn };
}

/** However one goes back, what was joined by hand goes along. */
function leave(session: EditorSession, path: string): void {
  if (session.leaveConflict(path)) notify({ tone: "plain", text: "What you joined stands in the editor and is not saved yet. Undo takes it back." });
}
