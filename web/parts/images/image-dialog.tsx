import { type FormEvent, type ReactNode, useState } from "react";
import { type ImageView, imageReference, imageVisibilities } from "#contract/image.ts";
import { hasCode, wordsOf } from "../../app/api.ts";
import { type ImageDraft, useAddImage, useChangeImage } from "../../app/data-images.ts";
import { changedFields, fieldRules } from "../../app/draft.ts";
import { notify } from "../../app/notices.ts";
import { useDraft } from "../../app/use-draft.ts";
import { Button } from "../button.tsx";
import { Dialog, DialogActions } from "../dialog.tsx";
import { Field, Select, SwitchField, TextArea, TextInput } from "../field.tsx";
import { ProblemBox } from "../problem-box.tsx";

const empty: ImageDraft = { name: "", reference: "", description: "", runTemplate: "", visibility: "everyone", isDefault: false };
const visibilityLabels = { everyone: "Everyone", administrators: "Administrators only", hidden: "Nobody (sites that have it keep it)" } as const;

const rules = fieldRules<ImageDraft>();

/** Adds an image to the catalogue, or changes one. */
export function ImageDialog({ image, onClose }: { readonly image: ImageView | null; readonly onClose: () => void }): ReactNode {
  return (
    <Dialog isOpen onClose={onClose} title={image === null ? "Add an image" : `Edit ${image.name}`}>
      {image === null ? <NewImage onClose={onClose} /> : <KnownImage image={image} onClose={onClose} />}
    </Dialog>
  );
}

function NewImage({ onClose }: { readonly onClose: () => void }): ReactNode {
  const [draft, setDraft] = useState(empty);
  const add = useAddImage();
  return (
    <ImageForm
      draft={draft}
      change={(part) => setDraft((now) => ({ ...now, ...part }))}
      save={add}
      label="Add image"
      onSubmit={(onSuccess) => add.mutate(draft, { onSuccess })}
      onClose={onClose}
    />
  );
}

function KnownImage({ image: { id, ...saved }, onClose }: { readonly image: ImageView; readonly onClose: () => void }): ReactNode {
  const { base, draft, set } = useDraft<ImageDraft, ImageDraft>(saved, rules);
  const save = useChangeImage(id);
  return (
    <ImageForm
      draft={draft}
      change={(part) => set((now) => ({ ...now, ...part }))}
      save={save}
      label="Save"
      // A field that nobody touched is no wish: sent all the same it would undo what others changed meanwhile.
      onSubmit={(onSuccess) => save.mutate(changedFields(base, draft), { onSuccess })}
      onClose={onClose}
    />
  );
}

interface FormProps {
  readonly draft: ImageDraft;
  readonly change: (part: Partial<ImageDraft>) => void;
  readonly save: { readonly error: unknown; readonly isPending: boolean };
  readonly label: string;
  readonly onSubmit: (onSuccess: () => void) => void;
  readonly onClose: () => void;
}

function ImageForm({ draft, change, save, label, onSubmit, onClose }: FormProps): ReactNode {
  const [isTried, setTried] = useState(false);
  const isNameTaken = hasCode(save.error, "image_name_taken");
  const problems = problemsOf(draft);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setTried(true);
    if (problems.name !== null || problems.reference !== null) return;
    onSubmit(() => {
      notify({ tone: "good", text: `${draft.name} is in the catalogue` });
      onClose();
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
          {label}
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
