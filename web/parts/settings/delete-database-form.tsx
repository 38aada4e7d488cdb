import { type ReactNode, useState } from "react";
import type { SiteView } from "#contract/api/views.ts";
import { wordsOf } from "../../app/api.ts";
import { useChangeDatabase } from "../../app/data-database.ts";
import { Button } from "../button.tsx";
import { DialogActions } from "../dialog.tsx";
import { Field, TextInput } from "../field.tsx";
import { ProblemBox } from "../problem-box.tsx";

/** Asks for the site's name before its database goes. */
export function DeleteDatabaseForm({ site, onClose }: { readonly site: SiteView; readonly onClose: () => void }): ReactNode {
  const [typed, setTyped] = useState("");
  const remove = useChangeDatabase(site.name);
  const submit = (event: React.FormEvent): void => {
    event.preventDefault();
    if (typed === site.name) remove.mutate("delete", { onSuccess: onClose });
  };
  return (
    <form onSubmit={submit}>
      <p className="mb-4">
        Every table and every row in it goes, and the program stops; the next visitor starts it without a database. The site's files stay. This cannot be taken
        back.
      </p>
      {remove.error !== null && (
        <div className="mb-4">
          <ProblemBox title={wordsOf(remove.error)} />
        </div>
      )}
      <Field
        label={
          <>
            Type <strong className="select-all">{site.name}</strong> to confirm
          </>
        }
      >
        {(control) => (
          <TextInput
            {...control}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
          />
        )}
      </Field>
      <DialogActions>
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" variant="danger" disabled={typed !== site.name} busy={remove.isPending && "Deleting…"}>
          Delete for good
        </Button>
      </DialogActions>
    </form>
  );
}
