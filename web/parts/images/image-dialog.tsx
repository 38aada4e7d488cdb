import { type FormEvent, type ReactNode, useState } from "react";
import { type ImageView, imageReference, imageVisibilities } from "#contract/image.ts";
import { hasCode, wordsOf } from "../../app/api.ts";
import { type ImageDraft, useSaveImage } from "../../app/data-images.ts";
import { notify } from "../../app/notices.ts";
import { Button } from "../button.tsx";
import { Dialog, DialogActions } from "../dialog.tsx";
import { Field, Select, SwitchField, TextArea, TextInput } from "../field.tsx";
import { ProblemBox } from "../problem-box.tsx";

const empty: ImageDraft = { name: "", reference: "", description: "", runTemplate: "", visibility: "everyone", isDefault: false };
const visibilityLabels = { everyone: "Everyone", administrators: "Administrators only", hidden: "Nobody (sites that have it keep it)" } as const;

/** Adds an image to the catalogue, or changes one. */
export function ImageDialog({ image, onClose }: { readonly image: ImageView | null; readonly onClose: () => void }): ReactNode {
  return (
    <Dialog isOpen onClose={onClose} title={image === null ? "Add an image" : `Edit ${image.name}`}>
      <ImageForm image={image} onClose={onClose} />
    </Dialog>
  );
}

function draftOf(image: ImageView | null): ImageDraft {
  if (image === null) return empty;
  const { id: _same, ...draft } = image;
  return draft;
}

function ImageForm({ image, onClose }: { readonly image: ImageView | null; readonly onClose: () => void }): ReactNode {
  const [draft, setDraft] = useState(() => draftOf(image));
  const [isTried, setTried] = useState(false);
  const save = useSaveImage(image?.id ?? null);
  const change = (part: Partial<ImageDraft>): void => setDraft({ ...draft, ...part });
  const isNameTaken = hasCode(save.error, "image_name_taken");
  const problems = problemsOf(draft);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setTried(true);
    if (problems.name !== null || problems.reference !== null) return;
    save.mutate(draft, {
      onSuccess: () => {
        notify({ tone: "good", text: `${draft.name} is in the catalogue` });
        onClose();
      },
    });
  };
  return (
    <form onSubmit={submit} noValidate className="flex flex-col gap-4">
      {save.error !== null && !isNameTaken && <ProblemBox title={wordsOf(save.error)} />}
      <Field label="Name" error={isNameTaken ? wordsOf(save.error) : isTried ? problems.name : null}>
        {(control) => <TextInput {...control} value={draft.name} maxLength={80} onChange={(event) => change({ name: event.target.value })} />}
      </Field>
      <Field label="Image" hint="As the engine knows it: node:24-bookworm" error={isTried ? problems.reference : null}>
        {(control) => (
          <TextInput
            {...control}
            className="font-mono"
            autoCapitalize="none"
            spellCheck={false}
            value={draft.reference}
            onChange={(event) => change({ reference: event.target.value.trim() })}
          />
        )}
      </Field>
      <Details draft={draft} change={change} />
      <SwitchField label="Default" hint="That of sites which name none." checked={draft.isDefault ?? false} onChange={(isDefault) => change({ isDefault })} />
      <DialogActions>
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" variant="primary" busy={save.isPending && "Saving…"}>
          {image === null ? "Add image" : "Save"}
        </Button>
      </DialogActions>
    </form>
  );
}

function Details({ draft, change }: { readonly draft: ImageDraft; readonly change: (part: Partial<ImageDraft>) => void }): ReactNode {
  return (
    <>
      <Field label="Description">
        {(control) => (
          <TextArea {...control} rows={2} value={draft.description} maxLength={2000} onChange={(event) => change({ description: event.target.value })} />
        )}
      </Field>
      <Field label="run.sh for sites that have none" hint="Offered in a site's settings. Leave it empty for none.">
        {(control) => (
          <TextArea
            {...control}
            rows={4}
            className="font-mono text-sm"
            spellCheck={false}
            value={draft.runTemplate}
            onChange={(event) => change({ runTemplate: event.target.value })}
          />
        )}
      </Field>
      <Field label="Who may choose it">
        {(control) => (
          <Select
            {...control}
            value={draft.visibility}
            onChange={(event) => change({ visibility: imageVisibilities.find((each) => each === event.target.value) ?? "everyone" })}
          >
            {imageVisibilities.map((each) => (
              <option key={each} value={each}>
                {visibilityLabels[each]}
              </option>
            ))}
          </Select>
        )}
      </Field>
    </>
  );
}

function problemsOf(draft: ImageDraft): { readonly name: string | null; readonly reference: string | null } {
  return {
    name: draft.name.trim() === "" ? "Give it a name." : null,
    reference: imageReference.safeParse(draft.reference).success ? null : "This is not the name of an image, such as node:24-bookworm.",
  };
}
