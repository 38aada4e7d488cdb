import { useNavigate } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import { wordsOf } from "../../app/api.ts";
import { useMakeFile, useMakeFolder } from "../../app/data-files.ts";
import { joinPath, pathProblem } from "../../app/paths.ts";
import { Button } from "../button.tsx";
import { Dialog, DialogActions } from "../dialog.tsx";
import { Field, TextInput } from "../field.tsx";

interface Props {
  readonly site: string;
  readonly folder: string;
  readonly making: "file" | "folder" | null;
  readonly onClose: () => void;
}

/** Asks for the name of a new file or folder and goes there. */
export function NewEntryDialog({ site, folder, making, onClose }: Props): ReactNode {
  return (
    <Dialog isOpen={making !== null} onClose={onClose} title={making === "folder" ? "New folder" : "New file"}>
      {making !== null && <NewEntryForm site={site} folder={folder} making={making} onClose={onClose} />}
    </Dialog>
  );
}

function NewEntryForm({ site, folder, making, onClose }: Props): ReactNode {
  const [name, setName] = useState("");
  const [isTried, setTried] = useState(false);
  const navigate = useNavigate();
  const makeFile = useMakeFile(site);
  const makeFolder = useMakeFolder(site);
  const make = making === "folder" ? makeFolder : makeFile;
  const problem = pathProblem(name, folder);
  const submit = (event: React.FormEvent): void => {
    event.preventDefault();
    setTried(true);
    if (problem !== null) return;
    const path = joinPath(folder, name);
    make.mutate(path, {
      onSuccess: () => {
        onClose();
        void navigate({ to: making === "folder" ? "/sites/$name/files/$" : "/sites/$name/edit/$", params: { name: site, _splat: path } });
      },
    });
  };
  const shownProblem = make.error !== null ? wordsOf(make.error) : isTried || name !== "" ? problem : null;
  return (
    <form onSubmit={submit} noValidate>
      <Field label="Name" error={shownProblem} hint={`In ${folder === "" ? "the site's folder" : folder}. Slashes make folders on the way.`}>
        {(control) => (
          <TextInput
            {...control}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            placeholder={making === "folder" ? "img" : "index.html"}
            value={name}
            onChange={(event) => {
              setName(event.target.value);
              make.reset();
            }}
          />
        )}
      </Field>
      <DialogActions>
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" variant="primary" busy={make.isPending && "Creating…"}>
          Create {making}
        </Button>
      </DialogActions>
    </form>
  );
}
