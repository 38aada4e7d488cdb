import { useMutation } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import type { FolderEntry } from "#contract/api/files.ts";
import { wordsOf } from "../../app/api.ts";
import { copyPath, useMakeFile, useMakeFolder } from "../../app/data-files.ts";
import { deleteWithUndo } from "../../app/delete-file.ts";
import { copyName, moveProblem } from "../../app/editor/tree.ts";
import { notify } from "../../app/notices.ts";
import { baseOf, joinPath, parentOf, pathProblem } from "../../app/paths.ts";
import { Button } from "../button.tsx";
import { ConfirmDialog } from "../confirm-dialog.tsx";
import { Dialog, DialogActions } from "../dialog.tsx";
import { Field, TextInput } from "../field.tsx";
import { type Question, useBench } from "./bench-context.ts";
import { DeletedFiles } from "./deleted-files.tsx";

interface Props {
  readonly question: Question | null;
  readonly onClose: () => void;
}

/** What has to be asked before something happens to a file or folder. */
export function Questions({ question, onClose }: Props): ReactNode {
  const kind = question?.kind;
  const titles = { new: question?.kind === "new" && question.what === "folder" ? "New folder" : "New file", deleted: "Deleted files" } as const;
  const named = question !== null && "entry" in question ? question.entry.name : "";
  const title = kind === "new" || kind === "deleted" ? titles[kind] : kind === "copy" ? `Copy ${named}` : `Rename or move ${named}`;
  return (
    <>
      <Dialog isOpen={kind === "new" || kind === "move" || kind === "copy" || kind === "deleted"} onClose={onClose} title={title}>
        {question?.kind === "new" && <NewForm {...question} onClose={onClose} />}
        {question?.kind === "move" && <MoveForm from={question.path} onClose={onClose} />}
        {question?.kind === "copy" && <CopyForm from={question.path} onClose={onClose} />}
        {question?.kind === "deleted" && <DeletedFiles folder={question.folder} onClose={onClose} />}
      </Dialog>
      <DeleteQuestion question={question?.kind === "delete" ? question : null} onClose={onClose} />
      <CloseQuestion path={question?.kind === "close" ? question.path : null} onClose={onClose} />
    </>
  );
}

interface PathFormProps {
  readonly label: string;
  readonly hint: string;
  readonly first: string;
  readonly verb: string;
  readonly busy: string | false;
  /** What is wrong with the path as it stands; null when nothing is. */
  readonly problemOf: (path: string) => string | null;
  /** What came back of the last attempt. */
  readonly error: unknown;
  readonly onPath: (path: string) => void;
  readonly onChange: () => void;
  readonly onClose: () => void;
}

function PathForm({ label, hint, first, verb, busy, problemOf, error, onPath, onChange, onClose }: PathFormProps): ReactNode {
  const [path, setPath] = useState(first);
  const [isTried, setTried] = useState(false);
  const problem = problemOf(path);
  const submit = (event: React.FormEvent): void => {
    event.preventDefault();
    setTried(true);
    if (problem === null) onPath(path);
  };
  // The name is what most people change: it is selected, the folders and the ending are not.
  const select = (event: React.FocusEvent<HTMLInputElement>): void => {
    const start = first.lastIndexOf("/") + 1;
    const dot = first.lastIndexOf(".");
    event.target.setSelectionRange(start, dot > start ? dot : first.length);
  };
  const shown = error !== null ? wordsOf(error) : isTried || path !== first ? problem : null;
  return (
    <form onSubmit={submit} noValidate>
      <Field label={label} error={shown} hint={hint}>
        {(control) => (
          <TextInput
            {...control}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            value={path}
            onFocus={select}
            onChange={(event) => {
              setPath(event.target.value);
              onChange();
            }}
          />
        )}
      </Field>
      <DialogActions>
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" variant="primary" busy={busy}>
          {verb}
        </Button>
      </DialogActions>
    </form>
  );
}

function NewForm({ what, folder, onClose }: { readonly what: "file" | "folder"; readonly folder: string; readonly onClose: () => void }): ReactNode {
  const bench = useBench();
  const makeFile = useMakeFile(bench.site.name);
  const makeFolder = useMakeFolder(bench.site.name);
  const make = what === "folder" ? makeFolder : makeFile;
  const create = (name: string): void => {
    const path = joinPath(folder, name);
    make.mutate(path, {
      onSuccess: () => {
        onClose();
        bench.workbench.expand(...(folder === "" ? [] : [folder]), ...(what === "folder" ? [path] : []));
        if (what === "file") bench.open(path);
      },
    });
  };
  return (
    <PathForm
      label="Name"
      hint={`In ${folder === "" ? "the site's folder" : folder}. Slashes make folders on the way.`}
      first=""
      verb="Create"
      busy={make.isPending && "Creating…"}
      problemOf={(name) => pathProblem(name, folder)}
      error={make.error}
      onPath={create}
      onChange={make.reset}
      onClose={onClose}
    />
  );
}

function MoveForm({ from, onClose }: { readonly from: string; readonly onClose: () => void }): ReactNode {
  const bench = useBench();
  const move = useMutation({ mutationFn: (to: string) => bench.move(from, to), onSuccess: onClose });
  return (
    <PathForm
      label="Path in the site"
      hint="Change the name, or the folders before it to move it there."
      first={from}
      verb="Rename or move"
      busy={move.isPending && "Moving…"}
      problemOf={(to) => (to === from ? null : (pathProblem(to) ?? insideProblem(from, to)))}
      error={move.error}
      onPath={(to) => (to === from ? onClose() : move.mutate(to))}
      onChange={move.reset}
      onClose={onClose}
    />
  );
}

function CopyForm({ from, onClose }: { readonly from: string; readonly onClose: () => void }): ReactNode {
  const bench = useBench();
  const copy = useMutation({
    mutationFn: (to: string) => copyPath(bench.site.name, from, to),
    onSuccess: (_, to) => {
      onClose();
      notify({ tone: "good", text: `${baseOf(from)} was copied to ${to}` });
    },
  });
  return (
    <PathForm
      label="Path of the copy"
      hint="Change the name, or the folders before it to copy it there."
      first={joinPath(parentOf(from), copyName(baseOf(from), new Set()))}
      verb="Copy"
      busy={copy.isPending && "Copying…"}
      problemOf={(to) => pathProblem(to) ?? insideProblem(from, to)}
      error={copy.error}
      onPath={(to) => copy.mutate(to)}
      onChange={copy.reset}
      onClose={onClose}
    />
  );
}

function insideProblem(from: string, to: string): string | null {
  const problem = moveProblem(from, parentOf(to));
  return problem === "It is there already." ? null : problem;
}

function DeleteQuestion({ question, onClose }: { readonly question: { path: string; entry: FolderEntry } | null; readonly onClose: () => void }): ReactNode {
  const { site, workbench, path: shown, openFolder } = useBench();
  const remove = useMutation({
    mutationFn: ({ path, entry }: { path: string; entry: FolderEntry }) => deleteWithUndo(site.name, path, entry),
    onSuccess: (_, { path }) => {
      onClose();
      workbench.deleted(path);
      if (shown !== null && !workbench.tabs.get().includes(shown)) openFolder(parentOf(path));
    },
  });
  const isFolder = question?.entry.type === "folder";
  return (
    <ConfirmDialog
      isOpen={question !== null}
      onClose={() => {
        remove.reset();
        onClose();
      }}
      title={`Delete ${question?.entry.name ?? ""}?`}
      confirmLabel={isFolder ? "Delete folder" : "Delete file"}
      busyLabel="Deleting…"
      isBusy={remove.isPending}
      error={remove.error}
      onConfirm={() => question !== null && remove.mutate(question)}
    >
      <p>
        {isFolder && "The folder goes with everything in it. "}
        You can take it back at once, or later from the list of deleted files as long as the site's history keeps it.
      </p>
    </ConfirmDialog>
  );
}

/** Closing a tab with unsaved work. */
function CloseQuestion({ path, onClose }: { readonly path: string | null; readonly onClose: () => void }): ReactNode {
  const bench = useBench();
  const save = useMutation({
    mutationFn: async (each: string) => {
      await bench.workbench.session.save(each);
      if (bench.workbench.session.isDirty(each)) bench.open(each);
      else bench.closeTab(each, true);
    },
    onSettled: onClose,
  });
  return (
    <Dialog
      isOpen={path !== null}
      onClose={onClose}
      title={`Save ${path === null ? "" : baseOf(path)} first?`}
      description={`Your changes to ${path ?? ""} are not saved.`}
    >
      <DialogActions>
        <Button onClick={onClose}>Cancel</Button>
        <Button
          variant="danger"
          onClick={() => {
            onClose();
            if (path !== null) bench.closeTab(path, true);
          }}
        >
          Close without saving
        </Button>
        <Button variant="primary" busy={save.isPending && "Saving…"} onClick={() => path !== null && save.mutate(path)}>
          Save and close
        </Button>
      </DialogActions>
    </Dialog>
  );
}
