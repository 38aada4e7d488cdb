import { Eye, EyeOff, Plus, Trash2 } from "lucide-react";
import { type ClipboardEvent, type ReactNode, useState } from "react";
import type { SiteView } from "#contract/api/views.ts";
import { wordsOf } from "../../app/api.ts";
import { useEnvironment, useWriteEnvironment } from "../../app/data-sites.ts";
import {
  environmentOf,
  environmentRules,
  isSameEnvironment,
  newRow,
  parseDotEnv,
  rowProblems,
  rowsOf,
  type SavedEnvironment,
  type VariableRow,
} from "../../app/environment-draft.ts";
import { notify } from "../../app/notices.ts";
import { useDraft } from "../../app/use-draft.ts";
import { Button, IconButton } from "../button.tsx";
import { TextInput } from "../field.tsx";
import { Section } from "../heading.tsx";
import { ProblemBox } from "../problem-box.tsx";
import { Loading, Skeleton } from "../skeleton.tsx";
import { SaveBar } from "./save-bar.tsx";

/** The program's environment variables, as a table. */
export function EnvironmentSettings({ site }: { readonly site: SiteView }): ReactNode {
  const { data, error, refetch } = useEnvironment(site.name);
  return (
    <Section id="environment" title="Environment variables" lead="Passwords and switches that the program reads when it starts. Visitors never see them.">
      {error !== null && <ProblemBox title={wordsOf(error)} retry={() => void refetch()} />}
      {data === undefined && error === null && (
        <Loading label="The variables are loading">
          <Skeleton className="h-20 w-full" />
        </Loading>
      )}
      {data !== undefined && <EnvironmentForm site={site} saved={data} />}
    </Section>
  );
}

function EnvironmentForm({ site, saved }: { readonly site: SiteView; readonly saved: SavedEnvironment }): ReactNode {
  const { base, draft: rows, set: setRows, discard: discardRows, settle } = useDraft(saved, environmentRules);
  const [isTried, setTried] = useState(false);
  const write = useWriteEnvironment(site.name);
  const problems = rowProblems(rows);
  const environment = environmentOf(rows);
  const set = (id: number, part: Partial<VariableRow>): void => setRows((all) => all.map((row) => (row.id === id ? { ...row, ...part } : row)));
  const submit = (event: React.FormEvent): void => {
    event.preventDefault();
    setTried(true);
    if (problems.size > 0) return;
    // Whoever saves has decided on what was marked.
    setRows((all) => all.map((row) => ({ ...row, isContested: false })));
    const sent = { environment, version: base.version };
    write.mutate(sent, {
      onSuccess: ({ operation, saved: answer }) => {
        settle(sent, answer);
        if (operation === null) notify({ tone: "good", text: "Variables saved" });
      },
    });
  };
  const paste = (row: VariableRow, event: ClipboardEvent): void => {
    const pasted = parseDotEnv(event.clipboardData.getData("text"));
    if (pasted === null) return;
    event.preventDefault();
    setRows((all) => [...all.filter((each) => each.id !== row.id && !(each.name in pasted)), ...rowsOf(pasted)]);
  };
  const discard = (): void => {
    discardRows();
    setTried(false);
    write.reset();
  };
  return (
    <form onSubmit={submit} noValidate>
      <ul className="flex flex-col gap-3">
        {rows.map((row) => (
          <VariableLine
            key={row.id}
            row={row}
            problem={isTried || row.name !== "" ? (problems.get(row.id) ?? null) : null}
            onChange={(part) => set(row.id, part)}
            onPaste={(event) => paste(row, event)}
            onRemove={() => setRows((all) => all.filter((each) => each.id !== row.id))}
          />
        ))}
      </ul>
      {rows.length === 0 && <p className="mb-3 text-soft">No variables yet.</p>}
      <Button className="mt-3" onClick={() => setRows((all) => [...all, newRow()])}>
        <Plus aria-hidden="true" />
        Add variable
      </Button>
      <p className="mt-2 text-soft text-sm">You can paste several lines of NAME=value into a name.</p>
      <SaveBar
        isChanged={!isSameEnvironment(environment, base.environment)}
        isSaving={write.isPending}
        error={write.error}
        label={site.kind === "dynamic" ? "Save and restart" : "Save changes"}
        note={site.kind === "dynamic" ? "The program restarts with the new variables." : "You have changes that are not saved."}
        onDiscard={discard}
      />
    </form>
  );
}

interface LineProps {
  readonly row: VariableRow;
  readonly problem: string | null;
  readonly onChange: (part: Partial<VariableRow>) => void;
  readonly onPaste: (event: ClipboardEvent) => void;
  readonly onRemove: () => void;
}

function VariableLine({ row, problem, onChange, onPaste, onRemove }: LineProps): ReactNode {
  // Values are often passwords: hidden until asked for, unless they are being typed in for the first time.
  const [isShown, setShown] = useState(row.value === "");
  const named = row.name === "" ? "the new variable" : row.name;
  return (
    <li>
      <div className="grid grid-cols-[1fr_auto_auto] gap-2 sm:grid-cols-[14rem_1fr_auto_auto]">
        <TextInput
          aria-label="Name"
          aria-invalid={problem !== null || undefined}
          className="col-span-3 font-mono text-sm sm:col-span-1"
          placeholder="NAME"
          autoComplete="off"
          autoCapitalize="characters"
          spellCheck={false}
          value={row.name}
          onChange={(event) => onChange({ name: event.target.value.trim() })}
          onPaste={onPaste}
        />
        <TextInput
          aria-label={`Value of ${named}`}
          className="font-mono text-sm"
          placeholder="value"
          autoComplete="off"
          spellCheck={false}
          type={isShown ? "text" : "password"}
          value={row.value}
          onChange={(event) => onChange({ value: event.target.value })}
        />
        <IconButton
          label={isShown ? `Hide the value of ${named}` : `Show the value of ${named}`}
          aria-pressed={isShown}
          className="sm:size-11"
          onClick={() => setShown(!isShown)}
        >
          {isShown ? <EyeOff aria-hidden="true" /> : <Eye aria-hidden="true" />}
        </IconButton>
        <IconButton label={`Remove ${named}`} className="sm:size-11" onClick={onRemove}>
          <Trash2 aria-hidden="true" />
        </IconButton>
      </div>
      {row.isContested === true && (
        <p role="status" className="mt-1 text-sm text-warn">
          Somebody else changed this variable meanwhile. Look at it before you save.
        </p>
      )}
      {problem !== null && (
        <p role="alert" className="mt-1 text-bad text-sm">
          {problem}
        </p>
      )}
    </li>
  );
}
