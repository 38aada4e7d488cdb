import { type ReactNode, useState } from "react";
import type { FolderEntry } from "#contract/api/files.ts";
import { wordsOf } from "../../app/api.ts";
import { useMovePath } from "../../app/data-files.ts";
import { notify } from "../../app/notices.ts";
import { baseOf, joinPath, pathProblem } from "../../app/paths.ts";
import { Button } from "../button.tsx";
import { Dialog, DialogActions } from "../dialog.tsx";
import { Field, TextInput } from "../field.tsx";

interface Props {
  readonly site: string;
  readonly folder: string;
  readonly entry: FolderEntry | null;
  readonly onClose: () => void;
}

/** Renames or moves: both are a new path. */
export function MoveDialog({ site, folder, entry, onClose }: Props): ReactNode {
  return (
    <Dialog isOpen={entry !== null} onClose={onClose} title={`Rename or move ${entry?.name ?? ""}`}>
      {entry !== null && <MoveForm site={site} from={joinPath(folder, entry.name)} onClose={onClose} />}
    </Dialog>
  );
}

function MoveForm({ site, from, onClose }: { readonly site: string; readonly from: string; readonly onClose: () => void }): ReactNode {
  const [to, setTo] = useState(from);
  const move = useMovePath(site);
  const problem = to === from ? null : pathProblem(to);
  const submit = (event: React.FormEvent): void => {
    event.preventDefault();
    if (problem !== null) return;
    if (to === from) {
      onClose();
      return;
    }
    move.mutate(
      { from, to },
      {
        onSuccess: () => {
          onClose();
          notify({ tone: "good", text: `${baseOf(from)} is now ${to}`, action: { label: "Undo", run: () => move.mutate({ from: to, to: from }) } });
        },
      },
    );
  };
  // The name is what most people change: it is selected, the folders and the ending are not.
  const select = (event: React.FocusEvent<HTMLInputElement>): void => {
    const start = from.lastIndexOf("/") + 1;
    const dot = from.lastIndexOf(".");
    event.target.setSelectionRange(start, dot > start ? dot : from.length);
  };
  return (
    <form onSubmit={submit} noValidate>
      <Field
        label="Path in the site"
        error={move.error !== null ? wordsOf(move.error) : problem}
        hint="Change the name, or the folders before it to move it there."
      >
        {(control) => (
          <TextInput
            {...control}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            value={to}
            onFocus={select}
            onChange={(event) => {
              setTo(event.target.value);
              move.reset();
            }}
          />
        )}
      </Field>
      <DialogActions>
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" variant="primary" busy={move.isPending && "Moving…"}>
          Save
        </Button>
      </DialogActions>
    </form>
  );
}
