import { Play } from "lucide-react";
import { type ReactNode, useState } from "react";
import type { TaskView } from "#contract/api/tasks.ts";
import type { ScriptView } from "#contract/task.ts";
import { wordsOf } from "../../app/api.ts";
import { useCreateTask, useScripts } from "../../app/data-tasks.ts";
import { createRequestKey } from "../../app/request-key.ts";
import { emptyDraft, type RunDraft, requestOf } from "../../app/run-draft.ts";
import { Button } from "../button.tsx";
import { EmptyLot } from "../empty-lot.tsx";
import { ProblemBox } from "../problem-box.tsx";
import { Loading, Skeleton } from "../skeleton.tsx";
import { TaskFields } from "./task-fields.tsx";

interface FormProps {
  /** Null for the installation's home folder. */
  readonly site: string | null;
  readonly onCreated: (task: TaskView) => void;
}

/** Chooses a script or a command, fills in its form, and runs it. */
export function RunForm({ site, onCreated }: FormProps): ReactNode {
  const { data, error, refetch } = useScripts(site);
  const problem = error !== null && <ProblemBox title={wordsOf(error)} retry={() => void refetch()} />;
  if (data === undefined) {
    return (
      problem || (
        <Loading label="The scripts are loading">
          <Skeleton className="h-64 w-full rounded-xl" />
        </Loading>
      )
    );
  }
  // A list that cannot be read again takes nothing away of what was filled in.
  return (
    <div className="flex flex-col gap-5">
      {problem}
      <Form site={site} onCreated={onCreated} {...data} />
    </div>
  );
}

interface InnerProps extends FormProps {
  readonly scripts: readonly ScriptView[];
  readonly allowsCommands: boolean;
}

function Form({ site, scripts, allowsCommands, onCreated }: InnerProps): ReactNode {
  const [draft, setDraft] = useState<RunDraft>({ ...emptyDraft, script: scripts.length === 1 ? (scripts[0] ?? null) : null });
  const [isTried, setTried] = useState(false);
  const create = useCreateTask();
  const [requestKey] = useState(() => createRequestKey());
  const request = requestOf(draft, site);
  const submit = (event: React.FormEvent): void => {
    event.preventDefault();
    setTried(true);
    if (request.kind !== "body") return;
    const { body } = request;
    create.mutate(
      { body, key: requestKey.keyFor(body) },
      {
        onSuccess: (task) => {
          requestKey.done();
          onCreated(task);
        },
      },
    );
  };
  // Scripts that go while somebody fills in the form of one take nothing away either.
  if (scripts.length === 0 && !allowsCommands && draft.script === null && draft.command === null) return <NoScripts site={site} />;
  return (
    <form onSubmit={submit} noValidate className="flex flex-col gap-5">
      {create.error !== null && <ProblemBox title={wordsOf(create.error)} />}
      <TaskFields
        scripts={scripts}
        allowsCommands={allowsCommands}
        draft={draft}
        problems={isTried && request.kind === "problems" ? request.problems : {}}
        onChange={(next) => {
          // Another script: what was wrong with the one before is no matter any more.
          if (next.script?.path !== draft.script?.path) setTried(false);
          setDraft(next);
          if (create.error !== null) create.reset();
        }}
      />
      <div className="flex justify-end">
        <Button type="submit" variant="primary" className="w-full sm:w-auto" busy={create.isPending && "Queueing…"}>
          <Play aria-hidden="true" />
          Run
        </Button>
      </div>
    </form>
  );
}

function NoScripts({ site }: { readonly site: string | null }): ReactNode {
  return (
    <EmptyLot title="There is no script yet">
      <p className="mt-1 max-w-md text-soft">
        {site === null
          ? "Put executable files into the installation's folder of scripts; a NAME.yaml beside one describes its form."
          : "Put an executable file into the site's folder private/scripts; a NAME.yaml beside it describes its form."}
      </p>
    </EmptyLot>
  );
}
