import { type ReactNode, useState } from "react";
import type { ImageView, ImageVisibility } from "#contract/image.ts";
import { useDeleteImage } from "../../app/data-images.ts";
import { notify } from "../../app/notices.ts";
import { Button } from "../button.tsx";
import { ConfirmDialog } from "../confirm-dialog.tsx";

const visibilityWords: Readonly<Record<ImageVisibility, string | null>> = { everyone: null, administrators: "Administrators only", hidden: "Hidden" };

/** An image of the catalogue. */
export function ImageRow({ image, onEdit }: { readonly image: ImageView; readonly onEdit: () => void }): ReactNode {
  const [isAsking, setAsking] = useState(false);
  const remove = useDeleteImage();
  const marks = [image.isDefault ? "Default" : null, visibilityWords[image.visibility]].filter((mark) => mark !== null);
  const close = (): void => {
    remove.reset();
    setAsking(false);
  };
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-2 px-4 py-3 sm:px-5">
      <div className="min-w-0 flex-1 basis-60">
        <p className="flex flex-wrap items-center gap-2 font-medium">
          <span className="[overflow-wrap:anywhere]">{image.name}</span>
          {marks.map((mark) => (
            <span key={mark} className="rounded-full bg-sunken px-2.5 py-0.5 font-medium text-soft text-sm">
              {mark}
            </span>
          ))}
        </p>
        <p className="font-mono text-soft text-sm [overflow-wrap:anywhere]">{image.reference}</p>
        {image.description !== "" && <p className="mt-1 text-soft text-sm">{image.description}</p>}
      </div>
      <div className="flex gap-2">
        <Button onClick={onEdit} aria-label={`Edit ${image.name}`}>
          Edit
        </Button>
        <Button onClick={() => setAsking(true)} aria-label={`Delete ${image.name}`}>
          Delete
        </Button>
      </div>
      <ConfirmDialog
        isOpen={isAsking}
        onClose={close}
        title={`Delete ${image.name}?`}
        confirmLabel="Delete"
        busyLabel="Deleting…"
        isBusy={remove.isPending}
        error={remove.error}
        onConfirm={() =>
          remove.mutate(image.id, {
            onSuccess: () => {
              notify({ tone: "good", text: `${image.name} is deleted` });
              close();
            },
          })
        }
      >
        <p>It leaves the catalogue. An image that sites have cannot be deleted; hide it instead.</p>
      </ConfirmDialog>
    </li>
  );
}
