import { type ReactNode, useState } from "react";
import { hasCode, wordsOf } from "../app/api.ts";
import { useImages } from "../app/data-images.ts";
import { useCreateSite } from "../app/data-sites.ts";
import { addressOf, useSystem } from "../app/data-system.ts";
import { nameProblem } from "../app/site-name.ts";
import { Button } from "../parts/button.tsx";
import { CreateProgress } from "../parts/create-progress.tsx";
import { shortAddress } from "../parts/external-link.tsx";
import { Field, TextInput } from "../parts/field.tsx";
import { PageHeading, Section } from "../parts/heading.tsx";
import { ImageChoice, imageOf } from "../parts/images/image-choice.tsx";
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
  const [image, setImage] = useState<number | null>(null);
  const [isTried, setTried] = useState(false);
  const isNameRefused = hasCode(create.error, ...nameCodes);
  const problem = nameProblem(name);
  const submit = (event: React.FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    setTried(true);
    if (problem !== null || choice === null) {
      // What is missing may be out of sight on a phone; the focus leads there.
      event.currentTarget.querySelector<HTMLElement>(choice === null ? "[role=radio]:not(:disabled)" : "input")?.focus();
      return;
    }
    const { kind, starter } = choice;
    create.mutate({ name, kind, description, ...(starter === null ? {} : { starter }), ...(kind === "static" || image === null ? {} : { image }) });
  };
  const unread = system.error !== null && <ProblemBox title={wordsOf(system.error)} retry={() => void system.refetch()} />;
  if (system.data === undefined) return unread || <FormLoading />;
  return (
    <form onSubmit={submit} className="flex flex-col gap-5" noValidate>
      {unread}
      {create.error !== null && !isNameRefused && <ProblemBox title={wordsOf(create.error)} />}
      <Section title="Start from">
        <StarterCards system={system.data} value={choice} onChoose={setChoice} />
        <p aria-live="polite" className="mt-2 text-bad text-sm empty:hidden">
          {isTried && choice === null ? "Choose what to start from." : ""}
        </p>
      </Section>
      {choice?.kind === "dynamic" && <ImageSection value={image} onChoose={setImage} isEmpty={choice.starter === null} />}
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

interface ImageSectionProps {
  readonly value: number | null;
  readonly onChoose: (image: number | null) => void;
  /** The site has no run.sh of a starter. */
  readonly isEmpty: boolean;
}

/** What the program will run in; shown only where sites run in images and there is a choice. */
function ImageSection({ value, onChoose, isEmpty }: ImageSectionProps): ReactNode {
  const { data } = useImages();
  if (data === undefined || !data.isUsed || data.images.length === 0) return null;
  const hasTemplate = isEmpty && (imageOf(data.images, value)?.runTemplate ?? "") !== "";
  return (
    <Section title="Image" lead="What the program runs in: its languages and tools.">
      <ImageChoice images={data.images} value={value} onChoose={onChoose} hint="It can be changed later, in the site's settings." />
      <p aria-live="polite" className="mt-3 rounded-lg bg-sunken px-3 py-2 text-sm empty:hidden">
        {hasTemplate ? "This image comes with a run.sh to begin with. It is offered to you as soon as the site is there." : ""}
      </p>
    </Section>
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
