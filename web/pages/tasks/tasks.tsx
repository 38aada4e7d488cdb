import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { CalendarClock, ChartColumn, Play } from "lucide-react";
import type { ReactNode } from "react";
import { useIsAdministrator } from "../../app/data-session.ts";
import { useTasks } from "../../app/data-tasks.ts";
import { isTaskView, statesOfView, type TaskViewName } from "../../app/task-views.ts";
import { buttonClass } from "../../parts/button.tsx";
import { EmptyLot } from "../../parts/empty-lot.tsx";
import { PageHeading } from "../../parts/heading.tsx";
import { TaskFilterBar } from "../../parts/tasks/task-filter-bar.tsx";
import { TaskList } from "../../parts/tasks/task-list.tsx";

export function TasksPage(): ReactNode {
  const { q = "", view } = useSearch({ from: "/app/tasks" });
  const navigate = useNavigate();
  const shown: TaskViewName = isTaskView(view) ? view : "all";
  const states = statesOfView(shown);
  const query = useTasks({ ...(q === "" ? {} : { search: q }), ...(states === null ? {} : { state: states }) });
  const isAdministrator = useIsAdministrator();
  const go = (search: string, next: TaskViewName): void =>
    void navigate({ to: "/tasks", search: { ...(search === "" ? {} : { q: search }), ...(next === "all" ? {} : { view: next }) }, replace: true });
  return (
    <>
      <PageHeading title="Tasks" lead="Scripts that ran, run and wait, newest first.">
        <div className="flex flex-wrap gap-2">
          <Link to="/tasks/charts" className={buttonClass()}>
            <ChartColumn aria-hidden="true" />
            Charts
          </Link>
          <Link to="/schedules" className={buttonClass()}>
            <CalendarClock aria-hidden="true" />
            Schedules
          </Link>
          {isAdministrator && (
            <Link to="/tasks/run" className={buttonClass("primary")}>
              <Play aria-hidden="true" />
              Run a script
            </Link>
          )}
        </div>
      </PageHeading>
      <TaskFilterBar search={q} view={shown} onChange={go} />
      <TaskList query={query} empty={<NoTasks isFiltered={q !== "" || shown !== "all"} isAdministrator={isAdministrator} />} />
    </>
  );
}

function NoTasks({ isFiltered, isAdministrator }: { readonly isFiltered: boolean; readonly isAdministrator: boolean }): ReactNode {
  if (isFiltered) {
    return (
      <EmptyLot title="No task matches">
        <p className="mt-1 mb-6 text-soft">Try fewer letters, or look at all of them.</p>
        <Link to="/tasks" className={buttonClass()}>
          Show all tasks
        </Link>
      </EmptyLot>
    );
  }
  return (
    <EmptyLot title="Nothing has been run yet">
      <p className="mt-1 mb-6 max-w-md text-soft">
        A task runs a script once, or by a schedule: a backup, an import, a reminder.{" "}
        {isAdministrator ? "" : "Open one of your sites and its tab Tasks to run one."}
      </p>
      {isAdministrator && (
        <Link to="/tasks/run" className={buttonClass("primary")}>
          <Play aria-hidden="true" />
          Run the first script
        </Link>
      )}
    </EmptyLot>
  );
}
