import type { ReactNode } from "react";
import type { ScriptView } from "#contract/task.ts";
import type { RunDraft } from "../../app/run-draft.ts";
import { Field, TextArea, TextInput } from "../field.tsx";
import { Section } from "../heading.tsx";
import { ProblemBox } from "../problem-box.tsx";
import { ScriptChoice } from "./script-choice.tsx";
import { ScriptFields } from "./script-fields.tsx";

interface PartProps {
  readonly draft: RunDraft;
  /** By the field's name; `""` for the choice itself. */
  readonly problems: Readonly<Record<string, string>>;
  readonly onChange: (draft: RunDraft) => void;
}

interface TaskFieldsProps extends PartProps {
  readonly scripts: readonly ScriptView[];
  readonly allowsCommands: boolean;
}

/** What to run and how: the part that running once and running by a schedule have in common. */
export function TaskFields({ scripts, allowsCommands, ...part }: TaskFieldsProps): ReactNode {
  const { draft, problems, onChange } = part;
  const isChosen = draft.script !== null || draft.command !== null;
  return (
    <>
      <Section title="What to run">
        <ScriptChoice
          scripts={scripts}
          allowsCommands={allowsCommands}
          draft={draft}
          error={problems[""] ?? null}
          onChoose={(chosen) => onChange({ ...draft, ...chosen, values: {} })}
        />
      </Section>
      {isChosen && (
        <Section title={draft.script?.manual.title ?? draft.script?.path ?? "Command"} lead={draft.script?.manual.description}>
          <div className="flex flex-col gap-5">
            {draft.script?.manualProblem != null && <ProblemBox title={draft.script.manualProblem} />}
            <CommandField {...part} />
            <ScriptFields draft={draft} problems={problems} onChange={(values) => onChange({ ...draft, values })} />
            <MoreArguments {...part} />
            <RunOptions {...part} />
          </div>
        </Section>
      )}
    </>
  );
}

function CommandField({ draft, problems, onChange }: PartProps): ReactNode {
  if (draft.command === null) return null;
  return (
    <Field label="Command" hint="For /bin/sh. Arguments are $1, $2, …" error={problems.command ?? null}>
      {(control) => (
        <TextArea
          {...control}
          rows={3}
          className="font-mono"
          spellCheck={false}
          value={draft.command ?? ""}
          onChange={(event) => onChange({ ...draft, command: event.target.value })}
        />
      )}
    </Field>
  );
}

function MoreArguments({ draft, problems, onChange }: PartProps): ReactNode {
  const manual = draft.script?.manual;
  const takesMore = manual === undefined || (manual.allowsMoreArguments ?? manual.parameters === undefined);
  if (!takesMore) return null;
  return (
    <Field label="Arguments (optional)" hint="One a line, exactly as the script gets them." error={problems.more ?? null}>
      {(control) => (
        <TextArea
          {...control}
          rows={2}
          className="font-mono"
          spellCheck={false}
          value={draft.more}
          onChange={(event) => onChange({ ...draft, more: event.target.value })}
        />
      )}
    </Field>
  );
}

function RunOptions({ draft, problems, onChange }: PartProps): ReactNode {
  const hasProblem = problems.timeoutSeconds !== undefined || problems.priority !== undefined;
  return (
    <details className="rounded-xl border border-line px-4 py-2" {...(hasProblem ? { open: true } : {})}>
      <summary className="flex min-h-11 items-center font-medium">More options</summary>
      <div className="grid gap-5 py-3 sm:grid-cols-2">
        <Field label="End it after (seconds)" hint="Empty: what the script or the installation says." error={problems.timeoutSeconds ?? null}>
          {(control) => (
            <TextInput
              {...control}
              inputMode="decimal"
              value={draft.timeoutSeconds}
              onChange={(event) => onChange({ ...draft, timeoutSeconds: event.target.value })}
            />
          )}
        </Field>
        <Field label="Priority" hint="Higher goes first; 0 is usual." error={problems.priority ?? null}>
          {(control) => (
            <TextInput
              {...control}
              inputMode="numeric"
              placeholder="0"
              value={draft.priority}
              onChange={(event) => onChange({ ...draft, priority: event.target.value })}
            />
          )}
        </Field>
      </div>
    </details>
  );
}
