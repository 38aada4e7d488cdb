import { DatabaseZap, Eye, EyeOff } from "lucide-react";
import { type ReactNode, useState } from "react";
import type { SiteDatabaseView } from "#contract/api/database.ts";
import type { SiteView } from "#contract/api/views.ts";
import { wordsOf } from "../../app/api.ts";
import { useChangeDatabase, useDatabase } from "../../app/data-database.ts";
import { bytesText } from "../../app/formats.ts";
import { Button } from "../button.tsx";
import { ConfirmDialog } from "../confirm-dialog.tsx";
import { CopyButton } from "../copy-button.tsx";
import { Dialog } from "../dialog.tsx";
import { Section } from "../heading.tsx";
import { Meter } from "../meter.tsx";
import { ProblemBox } from "../problem-box.tsx";
import { Loading, Skeleton } from "../skeleton.tsx";
import { DeleteDatabaseForm } from "./delete-database-form.tsx";

/** The site's database: none yet, on its way, or there with everything that a program needs to reach it. */
export function DatabaseSettings({ site }: { readonly site: SiteView }): ReactNode {
  const { data: database, error, refetch } = useDatabase(site.name);
  return (
    <Section id="database" title="Database" lead="A PostgreSQL database of this site's own. No other site can open it.">
      {error !== null && <ProblemBox title={wordsOf(error)} retry={() => void refetch()} />}
      {database === undefined && error === null && (
        <Loading label="The database is loading">
          <Skeleton className="mb-4 h-9 w-full" />
          <Skeleton className="h-40 w-full" />
        </Loading>
      )}
      {database === null && <NoDatabase site={site} />}
      {database !== undefined && database !== null && <Present site={site} database={database} />}
    </Section>
  );
}

function NoDatabase({ site }: { readonly site: SiteView }): ReactNode {
  const add = useChangeDatabase(site.name);
  if (site.kind === "static") return <p className="text-soft">A static site has no program that could use one. Make the site dynamic first.</p>;
  return (
    <>
      <p className="mb-4 text-soft">
        There is none yet. When you add one, the program restarts and finds its address in <code className="font-mono text-ink text-sm">DATABASE_URL</code>.
      </p>
      {add.error !== null && (
        <div className="mb-4">
          <ProblemBox title={wordsOf(add.error)} />
        </div>
      )}
      <AddButton add={add} label="Add a database" />
    </>
  );
}

function AddButton({ add, label }: { readonly add: ReturnType<typeof useChangeDatabase>; readonly label: string }): ReactNode {
  return (
    <Button variant="primary" busy={add.isPending && "Adding…"} onClick={() => add.mutate("add")}>
      <DatabaseZap aria-hidden="true" />
      {label}
    </Button>
  );
}

function Present({ site, database }: { readonly site: SiteView; readonly database: SiteDatabaseView }): ReactNode {
  const { state, reason } = database;
  const again = useChangeDatabase(site.name);
  const isUnderWay = state === "adding" || state === "deleting";
  return (
    <div className="flex flex-col gap-5">
      {isUnderWay && (
        <p role="status" className="text-soft">
          {reason}
        </p>
      )}
      {!isUnderWay && reason !== null && <ProblemBox title={reason} />}
      {state === "failed" && again.error !== null && <ProblemBox title={wordsOf(again.error)} />}
      {!isUnderWay && state !== "failed" && <Size database={database} />}
      {database.variables !== null && <Variables variables={database.variables} />}
      {state !== "adding" && (
        <div className="flex flex-wrap gap-3">
          {state === "failed" && <AddButton add={again} label="Try again" />}
          {!isUnderWay && state !== "failed" && <ChangePassword site={site} />}
          {/* Also while it is being deleted: that may have failed on the way. */}
          <DeleteDatabase site={site} />
        </div>
      )}
    </div>
  );
}

function Size({ database }: { readonly database: SiteDatabaseView }): ReactNode {
  const { bytes, limitBytes } = database;
  if (bytes === null) return <p className="text-soft text-sm">Its size is measured in a moment; it may have {bytesText(limitBytes)}.</p>;
  return <Meter label="Size" used={bytes} limit={limitBytes} text={`${bytesText(bytes)} of ${bytesText(limitBytes)}`} />;
}

const secret = /(_URL|_PASSWORD)$/;

function Variables({ variables }: { readonly variables: Readonly<Record<string, string>> }): ReactNode {
  const [isShown, setShown] = useState(false);
  return (
    <div>
      <div className="mb-1 flex items-center justify-between gap-3">
        <h3 className="font-medium">The program&apos;s variables</h3>
        <Button variant="quiet" aria-pressed={isShown} onClick={() => setShown(!isShown)}>
          {isShown ? <EyeOff aria-hidden="true" /> : <Eye aria-hidden="true" />}
          {isShown ? "Hide password" : "Show password"}
        </Button>
      </div>
      <dl className="divide-y divide-line rounded-xl border border-line">
        {Object.entries(variables).map(([name, value]) => (
          <div key={name} className="grid grid-cols-[minmax(0,1fr)_auto] items-center gap-x-2 py-1.5 pr-1 pl-3 sm:grid-cols-[17rem_minmax(0,1fr)_auto]">
            <dt className="col-start-1 truncate font-mono text-soft text-xs sm:text-sm">{name}</dt>
            <dd className="col-start-1 font-mono text-sm [overflow-wrap:anywhere] sm:col-start-2">
              {secret.test(name) && !isShown ? <Hidden value={value} password={variables.DIRECTOR_DATABASE_PASSWORD ?? ""} /> : value}
            </dd>
            <div className="col-start-2 row-span-2 row-start-1 sm:col-start-3 sm:row-span-1">
              <CopyButton text={value} label={`Copy ${name}`} />
            </div>
          </div>
        ))}
      </dl>
      <p className="mt-2 text-soft text-sm">Read them when the program starts; a new password arrives with a restart.</p>
    </div>
  );
}

/** The value with dots where the password stands. */
function Hidden({ value, password }: { readonly value: string; readonly password: string }): ReactNode {
  const [before = "", after = ""] = password === "" ? [value] : value.split(password);
  return (
    <>
      {before}
      <span aria-hidden="true">••••••••</span>
      <span className="sr-only">hidden password</span>
      {after}
    </>
  );
}

function ChangePassword({ site }: { readonly site: SiteView }): ReactNode {
  const [isOpen, setOpen] = useState(false);
  const change = useChangeDatabase(site.name);
  return (
    <>
      <Button onClick={() => setOpen(true)}>Change password…</Button>
      <ConfirmDialog
        isOpen={isOpen}
        onClose={() => setOpen(false)}
        title="Change the database's password?"
        confirmLabel="Change password"
        busyLabel="Changing…"
        isBusy={change.isPending}
        isDangerous={false}
        error={change.error}
        onConfirm={() => change.mutate("password", { onSuccess: () => setOpen(false) })}
      >
        The database gets a new password and the program restarts with it. Whoever has written the old one down is locked out.
      </ConfirmDialog>
    </>
  );
}

function DeleteDatabase({ site }: { readonly site: SiteView }): ReactNode {
  const [isOpen, setOpen] = useState(false);
  const close = (): void => setOpen(false);
  return (
    <>
      <Button variant="quiet" className="text-bad" onClick={() => setOpen(true)}>
        Delete database…
      </Button>
      <Dialog isOpen={isOpen} onClose={close} title={`Delete the database of ${site.name}?`}>
        <DeleteDatabaseForm site={site} onClose={close} />
      </Dialog>
    </>
  );
}
