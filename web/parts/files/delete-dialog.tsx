import { useMutation } from "@tanstack/react-query";
import type { ReactNode } from "react";
import type { FolderEntry } from "#contract/api/files.ts";
import { deleteWithUndo, isUndoable } from "../../app/delete-file.ts";
import { joinPath } from "../../app/paths.ts";
import { ConfirmDialog } from "../confirm-dialog.tsx";

interface Props {
  readonly site: string;
  readonly folder: string;
  readonly entry: FolderEntry | null;
  readonly onClose: () => void;
  readonly onDeleted?: () => void;
}

export function DeleteDialog({ site, folder, entry, onClose, onDeleted }: Props): ReactNode {
  const remove = useMutation({
    mutationFn: (each: FolderEntry) => deleteWithUndo(site, joinPath(folder, each.name), each),
    onSuccess: () => {
      onClose();
      onDeleted?.();
    },
  });
  const close = (): void => {
    remove.reset();
    onClose();
  };
  const noun = entry?.type === "folder" ? "folder" : "file";
  return (
    <ConfirmDialog
      isOpen={entry !== null}
      onClose={close}
      title={`Delete ${entry?.name ?? ""}?`}
      confirmLabel={`Delete ${noun}`}
      busyLabel="Deleting…"
      isBusy={remove.isPending}
      error={remove.error}
      onConfirm={() => entry !== null && remove.mutate(entry)}
    >
      {entry !== null && isUndoable(entry) ? (
        <p>You can take this back for a few seconds afterwards.</p>
      ) : (
        <p>{entry?.type === "folder" ? "The folder goes with everything in it. " : ""}This cannot be taken back.</p>
      )}
    </ConfirmDialog>
  );
}
