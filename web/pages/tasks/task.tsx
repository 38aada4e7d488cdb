import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { Ban, RotateCcw } from "lucide-react";
import { type ReactNode, useState } from "react";
import type { TaskView } from "#contract/api/tasks.ts";
import { isTaskEnded } from "#contract/task.ts";
import { hasCode, wordsOf } from "../../app/api.ts";
import { useCancelTask, useRerunTask, useTask } from "../../app/data-tasks.ts";
import { useLiveTask } from "../../app/live-task.ts";
import { createRequestKey } from "../../app/request-key.ts";
import { argumentsText, taskTitle } from "../../app/task-words.ts";
import { Button, buttonClass } from "../../parts/button.tsx";
import { EmptyLot } from "../../parts/empty-lot.tsx";
import { PageHeading, Section } from "../../parts/heading.tsx";
import { PageProblem } from "../../parts/page-problem.tsx";
import { ProblemBox } from "../../parts/problem-box.tsx";
import { Loading, Skeleton } from "../../parts/skeleton.tsx";
import { EarlierAttempts } from "../../parts/tasks/earlier-attempts.tsx";
import { OutputView } from "../../parts/tasks/output-view.tsx";
import { TaskFacts } from "../../parts/tasks/task-facts.tsx";
import { TaskPill } from "../../parts/tasks/task-pill.tsx";

export function TaskPage(): ReactNode {
  const { uid } = useParams({ from: "/app/tasks/$uid" });
  const { data: task, error, refetch } = useTask(uid);
  useLiveTask(task);
  if (task === undefined) {
    if (hasCode(error, "task_not_found")) return <NoTask />;
    if (error !== null) return <PageProblem page="Task" title={wordsOf(error)} retry={() => void refetch()} />;
    return (
      <Loading label="The task is loading">
        <Skeleton className="mb-6 h-8 w-64" />
        <Skeleton className="h-64 w-full rounded-xl" />
      </Loading>
    );
  }
  return (
    <>
      <PageHeading title={taskTitle(task)} lead={<Where task={task} />}>
        <Actions task={task} />
      </PageHeading>
      <div className="mb-4 flex flex-wrap items-center gap-3">
        <TaskPill state={task.state} />
        <p role="status" className="text-soft">
          {task.isCancelRequested && !isTaskEnded(task.state) ? "It is being ended, with everything that it has started…" : task.reason}
        </p>
      </div>
      <div className="flex flex-col gap-6">
        <OutputView key={task.uid} task={task} />
        <Section title="Details">
          <Invocation task={task} />
          <TaskFacts task={task} />
        </Section>
        <EarlierAttempts task={task} />
      </div>
    </>
  );
}

function Where({ task }: { readonly task: TaskView }): ReactNode {
  if (task.site === null) return "In the home folder";
  return (
    <>
      In{" "}
      <Link to="/sites/$name" params={{ name: task.site }} className="text-accent underline">
        {task.site}
      </Link>
    </>
  );
}

function Invocation({ task }: { readonly task: TaskView }): ReactNode {
  return (
    <pre className="mb-4 overflow-x-auto whitespace-pre-wrap rounded-xl border border-line bg-sunken px-4 py-3 font-mono text-sm [overflow-wrap:anywhere]">
      {task.script ?? task.command} {argumentsText(task.arguments)}
    </pre>
  );
}

function Actions({ task }: { readonly task: TaskView }): ReactNode {
  const cancel = useCancelTask();
  const rerun = useRerunTask();
  const [rerunKey] = useState(() => createRequestKey());
  const navigate = useNavigate();
  if (!task.you.mayControl) return null;
  const runAgain = (): void =>
    rerun.mutate(
      { uid: task.uid, key: rerunKey.keyFor(task.uid) },
      {
        onSuccess: ({ uid }) => {
          rerunKey.done();
          void navigate({ to: "/tasks/$uid", params: { uid } });
        },
      },
    );
  const problem = cancel.error ?? rerun.error;
  return (
    <div className="flex flex-wrap gap-2">
      {!isTaskEnded(task.state) && (
        <Button onClick={() => cancel.mutate(task.uid)} busy={(cancel.isPending || task.isCancelRequested) && "Cancelling…"}>
          <Ban aria-hidden="true" />
          Cancel
        </Button>
      )}
      <Button onClick={runAgain} busy={rerun.isPending && "Queueing…"}>
        <RotateCcw aria-hidden="true" />
        Run again
      </Button>
      {problem !== null && (
        <div className="basis-full">
          <ProblemBox title={wordsOf(problem)} />
        </div>
      )}
    </div>
  );
}

function NoTask(): ReactNode {
  return (
    <EmptyLot isPage title="There is no such task that you can see">
      <p className="mt-1 mb-6 max-w-md text-soft">Tasks are kept for a while and then removed. It may also belong to a site that you are no member of.</p>
      <Link to="/tasks" className={buttonClass("primary")}>
        To the tasks
      </Link>
    </EmptyLot>
  );
}
