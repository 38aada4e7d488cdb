import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import type { ScheduleView } from "#contract/api/schedules.ts";
import type { ScriptView } from "#contract/task.ts";
import { wordsOf } from "../../app/api.ts";
import { useSaveSchedule, useSchedule } from "../../app/data-schedules.ts";
import { useScripts } from "../../app/data-tasks.ts";
import { fieldRules } from "../../app/draft.ts";
import { isTouched, runRules, type SavedRun } from "../../app/run-draft.ts";
import { emptyPlan, type PlanDraft, planOf, scheduleChange, scheduleRequest } from "../../app/schedule-draft.ts";
import { useDraft } from "../../app/use-draft.ts";
import { Button } from "../../parts/button.tsx";
import { PageHeading } from "../../parts/heading.tsx";
import { PageProblem } from "../../parts/page-problem.tsx";
import { ProblemBox } from "../../parts/problem-box.tsx";
import { PlanFields } from "../../parts/schedules/plan-fields.tsx";
import { Loading, Skeleton } from "../../parts/skeleton.tsx";
import { TaskFields } from "../../parts/tasks/task-fields.tsx";

export function NewSchedulePage(): ReactNode {
  const { site } = useSearch({ from: "/app/schedules/new" });
  return <SchedulePage title="New schedule" site={site ?? null} schedule={null} />;
}

export function EditSchedulePage(): ReactNode {
  const { id } = useParams({ from: "/app/schedules/$id" });
  const { data: schedule, error, refetch } = useSchedule(id);
  if (error !== null && schedule === undefined) return <PageProblem page="Schedule" title={wordsOf(error)} retry={() => void refetch()} />;
  if (schedule === undefined) return <FormLoading />;
  return <SchedulePage key={schedule.id} title={schedule.name} site={schedule.site} schedule={schedule} />;
}

interface PageProps {
  readonly title: string;
  readonly site: string | null;
  /** Null for a new one. */
  readonly schedule: ScheduleView | null;
}

function SchedulePage({ title, site, schedule }: PageProps): ReactNode {
  const scripts = useScripts(site);
  return (
    <div className="mx-auto max-w-4xl">
      <PageHeading title={title} lead={site === null ? "In the installation's home folder." : `In ${site}.`} />
      {scripts.error !== null && (
        <div className="mb-5">
          <ProblemBox title={wordsOf(scripts.error)} retry={() => void scripts.refetch()} />
        </div>
      )}
      {scripts.data === undefined && scripts.error === null && <FormLoading />}
      {scripts.data !== undefined && <Form site={site} schedule={schedule} {...scripts.data} />}
    </div>
  );
}

interface FormProps extends Omit<PageProps, "title"> {
  readonly scripts: readonly ScriptView[];
  readonly allowsCommands: boolean;
}

const planRules = fieldRules<PlanDraft>();
const nothing: SavedRun = { arguments: [] };

function Form({ site, schedule, scripts, allowsCommands }: FormProps): ReactNode {
  const plan = useDraft(schedule === null ? emptyPlan() : planOf(schedule), planRules);
  const run = useDraft(schedule?.task ?? nothing, runRules(scripts));
  const [isTried, setTried] = useState(false);
  const save = useSaveSchedule(schedule?.id ?? null);
  const navigate = useNavigate();
  const draft = run.draft.now;
  const request = scheduleRequest(plan.draft, { draft, site });
  const problems = isTried && request.kind === "problems" ? request.problems : {};
  const submit = (event: React.FormEvent): void => {
    event.preventDefault();
    setTried(true);
    if (request.kind !== "body") return;
    const { body } = request;
    const sent = schedule === null ? body : scheduleChange(body, { plan: plan.base, task: schedule.task, isTaskTouched: isTouched(run.draft) });
    save.mutate(sent, { onSuccess: () => void navigate({ to: "/schedules", search: site === null ? {} : { site } }) });
  };
  return (
    <form onSubmit={submit} noValidate className="flex flex-col gap-5">
      {save.error !== null && <ProblemBox title={wordsOf(save.error)} />}
      <PlanFields plan={plan.draft} problems={problems} onChange={plan.set} />
      <TaskFields
        scripts={scripts}
        allowsCommands={allowsCommands}
        draft={draft}
        problems={problems}
        onChange={(now) => run.set(({ began }) => ({ began, now }))}
      />
      <div className="flex justify-end">
        <Button type="submit" variant="primary" className="w-full sm:w-auto" busy={save.isPending && "Saving…"}>
          {schedule === null ? "Create schedule" : "Save"}
        </Button>
      </div>
    </form>
  );
}

function FormLoading(): ReactNode {
  return (
    <Loading label="The form is loading">
      <Skeleton className="h-72 w-full rounded-xl" />
    </Loading>
  );
}
