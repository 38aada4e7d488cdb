import { FileCode2, SquareTerminal } from "lucide-react";
import { type ReactNode, useId, useState } from "react";
import type { ScriptView } from "#contract/task.ts";
import type { RunDraft } from "../../app/run-draft.ts";
import { cx } from "../class-names.ts";

interface ChoiceProps {
  readonly scripts: readonly ScriptView[];
  readonly allowsCommands: boolean;
  readonly draft: RunDraft;
  readonly error: string | null;
  readonly onChoose: (chosen: Pick<RunDraft, "script" | "command">) => void;
}

/** From this many on there is a box to search them. */
const manyScripts = 9;

/** The scripts as cards, and where it is allowed a command. */
export function ScriptChoice({ scripts, allowsCommands, draft, error, onChoose }: ChoiceProps): ReactNode {
  const [search, setSearch] = useState("");
  const name = useId();
  const wanted = search.trim().toLowerCase();
  const shown = scripts.filter((script) => `${script.path} ${script.manual.title ?? ""} ${script.manual.description ?? ""}`.toLowerCase().includes(wanted));
  return (
    <fieldset>
      <legend className="sr-only">Script</legend>
      {scripts.length >= manyScripts && (
        <input
          type="search"
          aria-label="Search scripts"
          placeholder="Search scripts"
          className="control mb-3 sm:w-80"
          value={search}
          onChange={(event) => setSearch(event.target.value)}
        />
      )}
      <div className="grid gap-3 sm:grid-cols-2 lg:grid-cols-3">
        {shown.map((script) => (
          <Card
            key={script.path}
            group={name}
            isChosen={draft.command === null && draft.script?.path === script.path}
            icon={<FileCode2 className="mt-0.5 size-5 shrink-0 text-accent" aria-hidden="true" />}
            title={script.manual.title ?? script.path}
            text={script.manual.description ?? (script.manual.title === undefined ? "" : script.path)}
            onChoose={() => onChoose({ script, command: null })}
          />
        ))}
        {allowsCommands && (
          <Card
            group={name}
            isChosen={draft.command !== null}
            icon={<SquareTerminal className="mt-0.5 size-5 shrink-0 text-night" aria-hidden="true" />}
            title="A command"
            text="Anything that a shell understands."
            onChoose={() => onChoose({ script: null, command: draft.command ?? "" })}
          />
        )}
      </div>
      {shown.length === 0 && !allowsCommands && <p className="text-soft">No script holds “{search}”.</p>}
      <p aria-live="polite" className="mt-2 text-bad text-sm empty:hidden">
        {error}
      </p>
    </fieldset>
  );
}

interface CardProps {
  readonly group: string;
  readonly isChosen: boolean;
  readonly icon: ReactNode;
  readonly title: string;
  readonly text: string;
  readonly onChoose: () => void;
}

function Card({ group, isChosen, icon, title, text, onChoose }: CardProps): ReactNode {
  return (
    <label
      className={cx(
        "flex cursor-pointer gap-3 rounded-xl border p-3 hover:bg-sunken has-focus-visible:outline-3 has-focus-visible:outline-accent has-focus-visible:outline-offset-2",
        isChosen ? "border-accent bg-tint shadow-[inset_0_0_0_1px_var(--accent)]" : "border-line",
      )}
    >
      <input type="radio" name={group} className="sr-only" checked={isChosen} onChange={onChoose} />
      {icon}
      <span className="min-w-0">
        <span className="block font-medium [overflow-wrap:anywhere]">{title}</span>
        {text !== "" && <span className="line-clamp-2 text-sm text-soft">{text}</span>}
      </span>
    </label>
  );
}
