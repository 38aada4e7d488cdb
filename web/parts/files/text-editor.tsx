import { useBlocker } from "@tanstack/react-router";
import { CircleDot, Save } from "lucide-react";
import type { ReactNode } from "react";
import { hasCode, wordsOf } from "../../app/api.ts";
import type { FileContent } from "../../app/data-files.ts";
import { useEditedFile } from "../../app/edited-file.ts";
import type { TextFile } from "../../app/text-file.ts";
import { Button } from "../button.tsx";
import { Dialog, DialogActions } from "../dialog.tsx";
import { ProblemBox } from "../problem-box.tsx";
import { CodeArea } from "./code-area.tsx";
import { ConflictDialog } from "./conflict-dialog.tsx";

interface Props {
  readonly site: string;
  readonly path: string;
  readonly text: TextFile;
  readonly content: FileContent;
  readonly isReadOnly: boolean;
}

export function TextEditor({ site, path, text, content, isReadOnly }: Props): ReactNode {
  const file = useEditedFile(site, path, { text, content });
  const blocker = useBlocker({ shouldBlockFn: () => file.isDirty, enableBeforeUnload: () => file.isDirty, withResolver: true });
  const isConflict = hasCode(file.save.error, "file_changed", "file_not_found");
  return (
    <section aria-label={`Editor of ${path}`}>
      {file.save.error !== null && (!isConflict || file.conflict === null) && (
        <div className="mb-3">
          <ProblemBox title={wordsOf(file.save.error)} retry={file.saveNow} />
        </div>
      )}
      <div className="card overflow-hidden">
        <div className="flex flex-wrap items-center justify-between gap-2 border-line border-b px-3 py-2">
          <p role="status" className="flex items-center gap-2 text-sm">
            <SaveState isDirty={file.isDirty} isSaving={file.save.isPending} wasSaved={file.save.isSuccess} isReadOnly={isReadOnly} />
          </p>
          {!isReadOnly && (
            <Button variant="primary" onClick={file.saveNow} disabled={!file.isDirty} busy={file.save.isPending && "Saving…"} title="Ctrl+S, or ⌘S on a Mac">
              <Save aria-hidden="true" />
              Save
            </Button>
          )}
        </div>
        <CodeArea label={path} value={file.text} onChange={file.setText} isReadOnly={isReadOnly} />
      </div>
      {!isReadOnly && (
        <p className="mt-2 text-soft text-sm">
          Tab indents. To leave the editor with the keyboard, press Esc and then Tab. <kbd className="font-mono">Ctrl+S</kbd> saves.
          {text.lineEnd === "\r\n" && " Line ends stay as Windows writes them."}
        </p>
      )}
      <ConflictDialog
        path={path}
        mine={file.text}
        conflict={file.conflict}
        isSaving={file.save.isPending}
        onKeepMine={file.keepMine}
        onTakeTheirs={file.takeTheirs}
        onClose={file.closeConflict}
      />
      <Dialog
        isOpen={blocker.status === "blocked"}
        onClose={() => blocker.reset?.()}
        title="Leave without saving?"
        description={`Your changes to ${path} are not saved.`}
      >
        <DialogActions>
          <Button onClick={() => blocker.reset?.()}>Stay here</Button>
          <Button variant="danger" onClick={() => blocker.proceed?.()}>
            Leave without saving
          </Button>
        </DialogActions>
      </Dialog>
    </section>
  );
}

interface SaveStateProps {
  readonly isDirty: boolean;
  readonly isSaving: boolean;
  readonly wasSaved: boolean;
  readonly isReadOnly: boolean;
}

function SaveState({ isDirty, isSaving, wasSaved, isReadOnly }: SaveStateProps): ReactNode {
  if (isReadOnly) return <span className="text-soft">You may read this file, not change it.</span>;
  if (isSaving) return <span className="text-soft">Saving…</span>;
  if (isDirty) {
    return (
      <span className="flex items-center gap-1.5 font-medium text-warn">
        <CircleDot className="size-4" aria-hidden="true" />
        Unsaved changes
      </span>
    );
  }
  return <span className="text-soft">{wasSaved ? "Saved" : "No changes"}</span>;
}
