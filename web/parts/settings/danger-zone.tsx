import { useNavigate } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import type { SiteView } from "#contract/api/views.ts";
import { wordsOf } from "../../app/api.ts";
import { may, useDeleteSite, useUpdateSite } from "../../app/data-sites.ts";
import { nameProblem } from "../../app/site-name.ts";
import { Button } from "../button.tsx";
import { Dialog, DialogActions } from "../dialog.tsx";
import { shortAddress } from "../external-link.tsx";
import { Field, TextInput } from "../field.tsx";
import { ProblemBox } from "../problem-box.tsx";

/** What changes a site's address or ends it, set apart from everything else. */
export function DangerZone({ site }: { readonly site: SiteView }): ReactNode {
  const [open, setOpen] = useState<"rename" | "delete" | null>(null);
  const close = (): void => setOpen(null);
  return (
    <section id="danger" className="mt-6 scroll-mt-6 rounded-[0.875rem] border-2 border-bad/40 bg-surface p-4 sm:p-6">
      <h2 className="font-semibold text-bad text-lg">Danger zone</h2>
      <div className="mt-2 divide-y divide-line">
        <Deed
          title="Rename the site"
          text={
            site.purpose === "user"
              ? "A personal site carries its owner's user name and cannot be renamed."
              : "Its address changes too; links to the old one stop working."
          }
        >
          <Button onClick={() => setOpen("rename")} disabled={site.purpose === "user"}>
            Rename…
          </Button>
        </Deed>
        {may(site, "site.delete") && (
          <Deed title="Delete the site" text="With all its files, its settings and its log. This cannot be taken back.">
            <Button variant="danger" onClick={() => setOpen("delete")}>
              Delete…
            </Button>
          </Deed>
        )}
      </div>
      <Dialog isOpen={open === "rename"} onClose={close} title={`Rename ${site.name}`}>
        <RenameForm site={site} onClose={close} />
      </Dialog>
      <Dialog isOpen={open === "delete"} onClose={close} title={`Delete ${site.name}?`}>
        <DeleteForm site={site} onClose={close} />
      </Dialog>
    </section>
  );
}

function Deed({ title, text, children }: { readonly title: string; readonly text: string; readonly children: ReactNode }): ReactNode {
  return (
    <div className="flex flex-wrap items-center justify-between gap-3 py-4 last:pb-0">
      <div className="min-w-0 flex-1 basis-64">
        <p className="font-medium">{title}</p>
        <p className="text-soft text-sm">{text}</p>
      </div>
      {children}
    </div>
  );
}

interface FormProps {
  readonly site: SiteView;
  readonly onClose: () => void;
}

function RenameForm({ site, onClose }: FormProps): ReactNode {
  const [name, setName] = useState(site.name);
  const navigate = useNavigate();
  const rename = useUpdateSite(site.name);
  const problem = name === site.name ? null : nameProblem(name);
  const submit = (event: React.FormEvent): void => {
    event.preventDefault();
    if (problem !== null || name === site.name) return;
    rename.mutate(
      { name },
      {
        onSuccess: () => {
          onClose();
          void navigate({ to: "/sites/$name/settings", params: { name }, replace: true });
        },
      },
    );
  };
  return (
    <form onSubmit={submit} noValidate>
      <Field
        label="New name"
        error={rename.error !== null ? wordsOf(rename.error) : problem}
        hint={`Its address becomes ${shortAddress(site.url).replace(site.name, problem === null && name !== "" ? name : "…")}`}
      >
        {(control) => (
          <TextInput
            {...control}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            value={name}
            onChange={(event) => {
              setName(event.target.value);
              rename.reset();
            }}
          />
        )}
      </Field>
      <DialogActions>
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" variant="primary" disabled={name === site.name || problem !== null} busy={rename.isPending && "Renaming…"}>
          Rename
        </Button>
      </DialogActions>
    </form>
  );
}

function DeleteForm({ site, onClose }: FormProps): ReactNode {
  const [typed, setTyped] = useState("");
  const navigate = useNavigate();
  const remove = useDeleteSite(site.name);
  const submit = (event: React.FormEvent): void => {
    event.preventDefault();
    if (typed === site.name) remove.mutate(undefined, { onSuccess: () => void navigate({ to: "/" }) });
  };
  return (
    <form onSubmit={submit}>
      <p className="mb-4">All files, settings and logs of this site go. Members and visitors lose it at once. This cannot be taken back.</p>
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
