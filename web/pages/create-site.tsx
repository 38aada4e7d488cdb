import { type ReactNode, useState } from "react";
import type { SiteKind } from "#contract/site.ts";
import { hasCode, wordsOf } from "../app/api.ts";
import { useCreateSite } from "../app/data-sites.ts";
import { addressOf, useSystem } from "../app/data-system.ts";
import { nameProblem } from "../app/site-name.ts";
import { Button } from "../parts/button.tsx";
import { CreateProgress } from "../parts/create-progress.tsx";
import { shortAddress } from "../parts/external-link.tsx";
import { Field, TextInput } from "../parts/field.tsx";
import { PageHeading, Section } from "../parts/heading.tsx";
import { ProblemBox } from "../parts/problem-box.tsx";
import { Loading, Skeleton } from "../parts/skeleton.tsx";
import { type Choice, StarterCards } from "../parts/starter-cards.tsx";

const nameCodes = ["site_name_invalid", "site_name_reserved", "site_name_taken"] as const;

export function CreateSitePage(): ReactNode {
  const create = useCreateSite();
  const created = create.data;
  return (
    <div className="mx-auto max-w-3xl">
      {created === undefined ? (
        <>
          <PageHeading title="New site" lead="Choose what to start from and give it a name. Everything can be changed later." />
          <CreateForm create={create} />
        </>
      ) : (
        <CreateProgress site={created.site} first={created.operation} onAgain={create.reset} />
      )}
    </div>
  );
}

function CreateForm({ create }: { readonly create: ReturnType<typeof useCreateSite> }): ReactNode {
  const system = useSystem();
  const [choice, setChoice] = useState<Choice | null>(null);
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const [isTried, setTried] = useState(false);
  const isNameRefused = hasCode(create.error, ...nameCodes);
  const problem = nameProblem(name);
  const submit = (event: React.FormEvent): void => {
    event.preventDefault();
    setTried(true);
    if (problem !== null || choice === null) return;
    const kind: SiteKind = choice.kind;
    create.mutate({ name, kind, description, ...(choice.starter === null ? {} : { starter: choice.starter }) });
  };
  if (system.error !== null) return <ProblemBox title={wordsOf(system.error)} retry={() => void system.refetch()} />;
  if (system.data === undefined) return <FormLoading />;
  return (
    <form onSubmit={submit} className="flex flex-col gap-5" noValidate>
      {create.error !== null && !isNameRefused && <ProblemBox title={wordsOf(create.error)} />}
      <Section title="Start from">
        <StarterCards system={system.data} value={choice} onChoose={setChoice} />
        <p aria-live="polite" className="mt-2 text-bad text-sm empty:hidden">
          {isTried && choice === null ? "Choose what to start from." : ""}
        </p>
      </Section>
      <Section title="Name and address">
        <div className="flex flex-col gap-5">
          <NameField
            name={name}
            pattern={system.data.siteUrlPattern}
            error={isNameRefused ? wordsOf(create.error) : name !== "" || isTried ? problem : null}
            onChange={(next) => {
              setName(next);
              if (isNameRefused) create.reset();
            }}
          />
          <Field label="Description (optional)" hint="One line about it, shown in the list of sites.">
            {(control) => <TextInput {...control} maxLength={2000} value={description} onChange={(event) => setDescription(event.target.value)} />}
          </Field>
        </div>
      </Section>
      <div className="flex justify-end">
        <Button type="submit" variant="primary" className="w-full sm:w-auto" busy={create.isPending && "Creating the site…"}>
          Create site
        </Button>
      </div>
    </form>
  );
}

interface NameFieldProps {
  readonly name: string;
  readonly pattern: string;
  readonly error: string | null;
  readonly onChange: (name: string) => void;
}

function NameField({ name, pattern, error, onChange }: NameFieldProps): ReactNode {
  const shown = name === "" ? "your-name" : name;
  const [before = "", after = ""] = shortAddress(pattern).split("{name}");
  const isFine = name !== "" && error === null;
  return (
    <Field
      label="Name"
      error={error}
      hint={
        <span className="block">
          Address: {before}
          <strong className={isFine ? "text-accent" : "text-soft"}>{shown}</strong>
          {after}
          <span className="sr-only"> ({addressOf(pattern, shown)})</span>
        </span>
      }
    >
      {(control) => (
        <TextInput
          {...control}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          placeholder="chess-club"
          maxLength={60}
          value={name}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </Field>
  );
}

function FormLoading(): ReactNode {
  return (
    <Loading label="The starters are loading">
      <div className="grid gap-3 sm:grid-cols-3">
        {[1, 2, 3].map((each) => (
          <Skeleton key={each} className="h-44 rounded-xl" />
        ))}
      </div>
    </Loading>
  );
}
